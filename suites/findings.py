"""Findings of checks, raised as exceptions that carry severity, summary and evidence; the protocol of `record`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Protocol


class Finding(AssertionError):
    """A problem that a check found; the only exception that counts as one.

    `summary` is one sentence that names the cause. `evidence` holds JSON values that show it.
    `fix` replaces the section `Fix:` of the check's docstring where the cause is known better.
    `uses` narrows the uses that the check declares; empty for all of them.
    `about` is `library` where the installed library does this to healthy subjects too.
    The package `reports` reads these and `outcome`, without importing this module.
    """

    outcome: ClassVar[str]

    def __init__(
        self,
        summary: str,
        *,
        evidence: Mapping[str, Any] | None = None,
        fix: str | None = None,
        uses: Iterable[str] = (),
        about: Literal["subject", "library"] = "subject",
    ):
        super().__init__(summary)
        self.summary = summary
        self.evidence = dict(evidence or {})
        self.fix = fix
        self.uses = tuple(uses)
        self.about = about


class Defect(Finding):
    """The subject silently gives wrong results, or breaks what it declares."""

    outcome = "defect"


class Hazard(Finding):
    """The subject works here, but a common way of using it goes wrong."""

    outcome = "hazard"


class Several(Finding):
    """More than one finding of one check, such as a defect for one use and another for a second use."""

    outcome = "several"

    def __init__(self, findings: Iterable[Finding]):
        self.findings = list(findings)
        super().__init__(" ".join(finding.summary for finding in self.findings))


def raise_findings(findings: Iterable[Finding]) -> None:
    """Raises the finding, or all of them together; returns if there is none."""
    __tracebackhide__ = True
    found = list(findings)
    if len(found) == 1:
        raise found[0]
    if found:
        raise Several(found)


class NotApplicable(Finding):
    """The subject has nothing that this check could test; the summary is the reason."""

    outcome = "not_applicable"


class Unsupported(Finding):
    """The check should have tested something, and could not; the summary is the reason.

    Checks raise one of its subclasses, which name the cause.
    """

    outcome = "unsupported"
    cause: ClassVar[str] = "limit"
    """A key of `reports.records.outcomes.CAUSES`."""
    settled_by: str = ""
    """The option, command or check id that settles it; empty if there is none."""


class Blocked(Unsupported):
    """Another check has a finding, without which this one could run."""

    cause = "blocked"

    def __init__(self, by: str, summary: str = "", **rest: Any):
        """Args:
        by: The id of the other check.
        """
        super().__init__(summary or f"{by} has to be fixed first", **rest)
        self.settled_by = by


class Missing(Unsupported):
    """A package or device is missing here."""

    cause = "missing"

    def __init__(self, summary: str, how: str = "", **rest: Any):
        """Args:
        how: The command that provides it.
        """
        super().__init__(summary, **rest)
        self.settled_by = how


class TooExpensive(Unsupported):
    """The check takes more time or memory than the options allow."""

    cause = "too_expensive"

    def __init__(self, summary: str, option: str, **rest: Any):
        """Args:
        option: The option that allows it: `--profile standard`.
        """
        super().__init__(summary, **rest)
        self.settled_by = option


class Refused(Unsupported):
    """The library refuses the call; the summary has its message."""

    cause = "refused"


class Limit(Unsupported):
    """A limit of seatrial, or of what the user gave it."""

    cause = "limit"


class Record(Protocol):
    """The fixture `record`, with which a check reports facts and numbers besides its outcome; `reports` provides it."""

    def capability(self, name: str, value: Any, *, evidence: Any = None) -> None:
        """Records a probed fact that is neither good nor bad.

        Args:
            name: listed with its title in `reports/records/capability_table.py`, `SUITE.fact_in_words`.
            value: a plain phrase ("supported", "dropped", "none") or a number.
        """

    def tested(self, *uses: str) -> None:
        """Narrows the uses for which this check is evidence, if it tested fewer than it declares."""

    def metric(
        self,
        name: str,
        value: float,
        unit: str,
        *,
        better: str,
        samples: int,
        interval: tuple[float, float] | None = None,
        effect: float | None = None,
        version: str = "",
        compared: bool = True,
    ) -> None:
        """Records a number with its unit, direction (lower or higher), sample size and 95% interval.

        Args:
            effect: the smallest relative change that a comparison with a baseline reports.
            version: version of the measured input; values of different versions are not compared.
            compared: False for a value that is only shown, such as the speed of one run.
        """

    def sequences(
        self,
        name: str,
        values: Mapping[str, Sequence[int]],
        *,
        version: str,
        rules: Mapping[str, str] | None = None,
        texts: Mapping[str, str] | None = None,
    ) -> None:
        """Records named integer sequences (`group/number`) that a later run compares with its own."""

    def observations(
        self,
        name: str,
        values: Mapping[str, Any],
        *,
        kind: str,
        version: str,
        tolerance: float = 0.0,
        by: str = "",
    ) -> None:
        """Records named observations (`kind`: renders, outputs or answers) that a later run compares with its own."""

    def series(
        self,
        name: str,
        points: Iterable[Sequence[Any]],
        *,
        x: str,
        y: str,
        kind: Literal["line", "bar", "points"] = "line",
    ) -> None:
        """Records points that the report plots: [x, y] or [x, y, low, high]; `x` and `y` are titles with units."""
