"""Findings of checks, raised as exceptions that carry severity, summary and evidence; the protocol of `record`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Protocol


class Finding(AssertionError):
    """A problem that a check found.

    `summary` is one sentence that names the cause. `evidence` holds JSON values that show it.
    `fix` replaces the section `Fix:` of the check's docstring where the cause is known better.
    The package `reports` reads these three and `outcome`, without importing this module.
    """

    outcome: ClassVar[str]

    def __init__(self, summary: str, *, evidence: Mapping[str, Any] | None = None, fix: str | None = None):
        super().__init__(summary)
        self.summary = summary
        self.evidence = dict(evidence or {})
        self.fix = fix


class Defect(Finding):
    """The subject silently gives wrong results, or breaks what it declares."""

    outcome = "defect"


class Hazard(Finding):
    """The subject works here, but a common way of using it goes wrong."""

    outcome = "hazard"


class Unsupported(Finding):
    """The check could not run here; the summary is the reason."""

    outcome = "unsupported"


class Record(Protocol):
    """The fixture `record`, with which a check reports facts and numbers besides its outcome; `reports` provides it."""

    def capability(self, name: str, value: Any, *, evidence: Any = None) -> None:
        """Records a probed fact that is neither good nor bad.

        Args:
            name: listed with its title in `reports/records/capability_table.py`, `SUITE.fact_in_words`.
            value: a plain phrase ("supported", "dropped", "none") or a number.
        """

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
