"""The running check, in the process that runs it: from pytest's phases to one check record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import pytest

from reports.records import observations, sequences
from reports.records import series as plots
from reports.records.outcomes import OUTCOMES, rank
from reports.records.schema import Metric
from reports.verdict.findings import LOADS

UNLOADABLE = "unloadable"
"""Outcome of an exception that says that the subject cannot be loaded."""
SEVERAL = "several"
"""Outcome of an exception that holds more than one finding."""
PANIC = "PanicException"
"""Name of PyO3's exception for a panic of the Rust code of a tokenizer; the suite tokenizers reports those."""
KEY_FIELDS = ("check", "subject", "variant", "parameters")


@dataclass
class RunningCheck:
    """A check that runs, and what it records: the fixture `record`."""

    description: dict[str, Any]
    outcome: str = "pass"
    summary: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    fix: str = ""
    uses: list[str] = field(default_factory=list)
    affects: list[str] = field(default_factory=list)
    about: str = "subject"
    others: list[dict[str, Any]] = field(default_factory=list)
    cause: str = ""
    settled_by: str = ""
    details: str = ""
    duration: float = 0.0
    capabilities: dict[str, Any] = field(default_factory=dict)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    problem: dict[str, Any] | None = None
    """Set if the subject could not be loaded for this check."""
    _sequences: dict[str, Any] = field(default_factory=dict)
    _observations: dict[str, Any] = field(default_factory=dict)
    _series: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.uses = list(self.description.get("uses", ()))

    def tested(self, *uses: str) -> None:
        """Narrows the uses for which this check is evidence."""
        unknown = set(uses) - set(self.description.get("uses", ()))
        if unknown:
            raise ValueError(f"{self.description['check']} does not declare the uses {sorted(unknown)}")
        self.uses = list(uses)

    def capability(self, name: str, value: Any, *, evidence: Any = None) -> None:
        """Records a probed fact that is neither good nor bad; `value` is any JSON value."""
        self.capabilities[name] = {"value": value, "evidence": evidence}

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
        """Records a number with its unit, its better direction (lower or higher), sample size and 95% interval.

        Args:
            effect: the smallest relative change that counts against a baseline.
            version: of the input; values over other versions are not compared.
            compared: False for what is only shown, such as a time or a rate of one run.
        """
        metric = asdict(Metric(name, value, unit, better, samples, list(interval) if interval else None))
        optional = ("effect", "version", "compared")
        entry = {key: metric[key] for key in metric if key not in optional}
        entry |= {"effect": effect, "version": version} if effect or version else {}
        self.metrics.append(entry if compared else entry | {"compared": False})

    def sequences(
        self,
        name: str,
        values: Mapping[str, Sequence[int]],
        *,
        version: str,
        rules: Mapping[str, str] | None = None,
        texts: Mapping[str, str] | None = None,
    ) -> None:
        """Records integer sequences by name (`group/number`), which a later run compares with its own.

        Args:
            version: of the input.
            rules: digests of the parts of the subject that made them; a changed one is named with changed sequences.
            texts: the texts that the names stand for.
        """
        self._sequences[name] = sequences.entry(values, version, rules or {}, texts or {})

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
        """Records observations (`kind`: renders, outputs or answers) by name, which a later run compares with its own.

        Args:
            version: of the inputs.
            tolerance: share by which numbers may differ; texts are compared exactly.
            by: the code that made them; if two sides differ in it, a change may not be the subject's.
        """
        self._observations[name] = observations.entry(kind, values, version, tolerance, by)

    def series(
        self,
        name: str,
        points: Iterable[Sequence[Any]],
        *,
        x: str,
        y: str,
        kind: Literal["line", "bar", "points"] = "line",
    ) -> None:
        """Records points that the report plots, several variants of one name together.

        A point is [x, y] or [x, y, low, high]; `x` and `y` are titles of axes with units. With kind bar, the x of a
        point may be a text.
        """
        self._series.append(plots.entry(name, points, x, y, kind))

    def note_exception(self, error: BaseException, details: str) -> None:
        """Classifies the exception of a phase; the first one counts, but an error outweighs a finding."""
        outcome = classify(error)
        if self.outcome != "pass" and outcome != "error":
            return
        if outcome == SEVERAL:
            first, *others = sorted(map(self._finding, error.findings), key=lambda each: -rank(each["outcome"]))  # type: ignore[attr-defined]
            vars(self).update(first, others=others)
            return
        vars(self).update(self._finding(error))
        self.details = details if outcome == "error" else ""
        if outcome == UNLOADABLE:
            self._note_unloadable(getattr(error, "reason_not_loaded", {}))

    def _finding(self, error: BaseException) -> dict[str, Any]:
        """The fields of the record that an exception sets."""
        found = {
            "outcome": classify(error),
            "summary": getattr(error, "summary", None) or first_line(error),
            "evidence": getattr(error, "evidence", None) or {},
            "fix": getattr(error, "fix", None) or "",
            "affects": self._affected(getattr(error, "uses", ())),
            "about": getattr(error, "about", "subject"),
        }
        if found["outcome"] != "unsupported":
            return found
        blocked = type(error).__name__ == PANIC
        cause = "blocked" if blocked else getattr(error, "cause", "limit")
        settled_by = "tokenizers/round-trip" if blocked else getattr(error, "settled_by", "")
        return found | {"cause": cause, "settled_by": settled_by}

    def _affected(self, named: Iterable[str]) -> list[str]:
        """The uses that a finding names, among those that its check decides for this subject; all if it names none."""
        declared = self.description.get("uses", ())
        return [use for use in named if use in declared] or list(self.uses)

    def _note_unloadable(self, reason: Mapping[str, str]) -> None:
        """The subject cannot be loaded, which is the outcome of `integrity/loads`; other checks are unsupported."""
        self.problem = {"summary": self.summary, "evidence": self.evidence, "fix": self.fix, **reason}
        vars(self).update({"outcome": "defect", **reason})
        if self.description["check"] != LOADS:
            blocked = self.outcome == "defect"
            self.outcome, self.summary = "unsupported", f"the subject does not load, see {LOADS}"
            self.cause, self.settled_by = ("blocked", LOADS) if blocked else (self.cause, self.settled_by)

    def fields(self) -> dict[str, Any]:
        """The fields of `schema.Check` under their names in files."""
        known = {name: self.description[name] for name in (*KEY_FIELDS, "reproduce")}
        names = ("outcome", "summary", "evidence", "fix", "uses", "details", "duration", "capabilities", "metrics")
        recorded = {"sequences": self._sequences, "series": self._series, "kept": self._observations}
        recorded |= {name: getattr(self, name) for name in ("affects", "others", "cause", "settled_by")}
        recorded |= {"about": self.about} if self.about != "subject" else {}
        return known | {name: getattr(self, name) for name in names} | {n: v for n, v in recorded.items() if v}


def classify(error: BaseException) -> str:
    """Returns the outcome that an exception means: its own `outcome`, else an error of the machine or of seatrial."""
    if isinstance(error, pytest.skip.Exception) or type(error).__name__ == PANIC:
        return "unsupported"
    declared = getattr(error, "outcome", None)
    return str(declared) if declared in (*OUTCOMES, UNLOADABLE, SEVERAL) else "error"


def first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    message = lines[0] if lines else ""
    if isinstance(error, pytest.skip.Exception):
        return message
    if type(error).__name__ == PANIC:
        return f"the tokenizer's backend panics, see tokenizers/round-trip: {message}"
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def text_of(check: RunningCheck) -> str:
    """A finding as a failure text, for JUnit and for pytest's own summary."""
    lines = [check.summary, *(f"  {name}: {value!r}" for name, value in check.evidence.items())]
    fix = check.fix or check.description["documentation"].get("fix", "")
    lines += [f"Fix: {fix}"] if fix else []
    return "\n".join([*lines, f"Reproduce: {check.description['reproduce']}"])


def reshape(report: pytest.TestReport, check: RunningCheck, item: pytest.Item, *, strict: bool) -> None:
    """Sets pytest's outcome: defects and errors fail, hazards only with `--strict`, everything else is skipped."""
    outcome = check.outcome
    report.seatrial_outcome = outcome  # type: ignore[attr-defined]
    if OUTCOMES[outcome].fails or (outcome == "hazard" and strict):
        report.outcome = "failed"
        if outcome != "error":
            report.longrepr = text_of(check)
    else:
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.location[1] or 0, f"{outcome}: {check.summary}")


def is_strict(config: pytest.Config) -> bool:
    """True if `--strict` was given: pytest's own option, by which hazards count as defects here.

    pytest 9 makes an ini override of it; the entry of an ini file does not count.
    """
    return "strict=true" in (config.option.override_ini or []) or bool(getattr(config.option, "strict", False))
