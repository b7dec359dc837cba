"""In the process that runs a check: from pytest's phases to one check record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import pytest

from reports.records import observations, sequences
from reports.records import series as plots
from reports.records.schema import Metric
from reports.verdict.findings import LOADS

SHORT = {"defect": "D", "hazard": "H", "unsupported": "U", "error": "E"}
FATAL = ("defect", "error")
PANIC = "PanicException"
"""What PyO3 raises when the Rust code behind a tokenizer panics: the suite tokenizers tries that and tells it."""
KEY_FIELDS = ("check", "subject", "variant", "parameters")


@dataclass
class Observation:
    """What is known of a running check."""

    description: dict[str, Any]
    outcome: str = "pass"
    summary: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    remedy: str = ""
    details: str = ""
    duration: float = 0.0
    capabilities: dict[str, Any] = field(default_factory=dict)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    recorded: dict[str, Any] = field(default_factory=dict)
    """Sets of sequences, as `reports.records.sequences` packs them."""
    seen: dict[str, Any] = field(default_factory=dict)
    """Renders, outputs and answers, as `reports.records.observations` keeps them."""
    plotted: list[dict[str, Any]] = field(default_factory=list)
    """Points for plots, as `reports.records.series` keeps them."""
    problem: dict[str, Any] | None = None
    """Set when the subject could not be loaded for this check."""

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

        `effect` is the smallest relative change that counts against a baseline, `version` that of the input. What is
        not `compared` is kept and shown only: a time or a rate of one run says nothing beside that of another.
        """
        metric = asdict(Metric(name, value, unit, better, samples, list(interval) if interval else None))
        told = {"effect": effect, "version": version} if effect or version else {}
        told |= {} if compared else {"compared": False}
        bare = {key: metric[key] for key in metric if key not in ("effect", "version", "compared")}
        self.metrics.append(bare | told)

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

        `version` is that of the input that they were made from, `rules` says by which parts of the subject they came
        about (a changed digest is named beside changed sequences), `texts` what stands for each name.
        """
        self.recorded[name] = sequences.entry(values, version, rules or {}, texts or {})

    def keep(
        self,
        name: str,
        values: Mapping[str, Any],
        *,
        kind: str,
        version: str,
        tolerance: float = 0.0,
        by: str = "",
    ) -> None:
        """Keeps what was seen (`kind`: renders, outputs or answers) by name, for a later run to compare with.

        `version` is that of the inputs. Texts are compared exactly, numbers within the share `tolerance`. `by` says
        what made them: where two sides differ in that, a change may not be the subject's.
        """
        self.seen[name] = observations.entry(kind, values, version, tolerance, by)

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

        A point is [x, y] or [x, y, low, high]; `x` and `y` are the titles of the axes with their units. Where `kind` is
        bar, a point's x may be a text.
        """
        self.plotted.append(plots.entry(name, points, x, y, kind))

    def note_exception(self, error: BaseException, details: str) -> None:
        """Classifies what a phase raised; the first exception counts, save that an error outweighs a finding."""
        outcome = classify(error)
        if self.outcome != "pass" and outcome != "error":
            return
        self.outcome = outcome
        self.summary = getattr(error, "summary", None) or first_line(error)
        self.evidence = getattr(error, "evidence", None) or {}
        self.remedy = getattr(error, "remedy", None) or ""
        self.details = details if outcome == "error" else ""
        if outcome == "blocked":
            self._block()

    def _block(self) -> None:
        """The subject cannot be loaded: a defect of `integrity/loads`; another check could not run for it."""
        self.problem = {"summary": self.summary, "evidence": self.evidence, "remedy": self.remedy}
        self.outcome = "defect"
        if self.description["check"] != LOADS:
            self.outcome, self.summary = "unsupported", f"the subject does not load, see {LOADS}"

    def record(self) -> dict[str, Any]:
        """The fields of `records.Check`."""
        known = {name: self.description[name] for name in (*KEY_FIELDS, "reproduce")}
        names = ("outcome", "summary", "evidence", "remedy", "details", "duration", "capabilities", "metrics")
        recorded: dict[str, Any] = {"sequences": self.recorded} if self.recorded else {}
        recorded |= {"series": self.plotted} if self.plotted else {}
        recorded |= {"kept": self.seen} if self.seen else {}
        return known | {name: getattr(self, name) for name in names} | recorded


def classify(error: BaseException) -> str:
    """The outcome that an exception means; what no check raised on purpose is an error of the machine."""
    if isinstance(error, pytest.skip.Exception):
        return "unsupported"
    if type(error).__name__ == PANIC:
        return "unsupported"
    declared = getattr(error, "outcome", None)
    if isinstance(declared, str):
        return declared
    return "defect" if isinstance(error, AssertionError) else "error"


def first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    message = lines[0] if lines else ""
    if isinstance(error, (AssertionError, pytest.skip.Exception)):
        return message
    if type(error).__name__ == PANIC:
        return f"the tokenizer's backend panics, see tokenizers/round-trip: {message}"
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def text_of(observation: Observation) -> str:
    """A finding as a failure text, for JUnit and for pytest's own summary."""
    parts = [observation.summary, *(f"  {name}: {value!r}" for name, value in observation.evidence.items())]
    remedy = observation.remedy or observation.description["documentation"].get("fix", "")
    parts += [f"Fix: {remedy}"] if remedy else []
    return "\n".join([*parts, f"Reproduce: {observation.description['reproduce']}"])


def reshape(report: pytest.TestReport, observation: Observation, item: pytest.Item, *, strict: bool) -> None:
    """Makes pytest count an outcome as DESIGN does: defect and error fail, hazard and unsupported do not."""
    outcome = observation.outcome
    report.seatrial_outcome = outcome  # type: ignore[attr-defined]
    if outcome in FATAL or (outcome == "hazard" and strict):
        report.outcome = "failed"
        if outcome != "error":
            report.longrepr = text_of(observation)
    else:
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.location[1] or 0, f"{outcome}: {observation.summary}")


def is_strict(config: pytest.Config) -> bool:
    """Whether `--strict` was given: pytest's own option, by which hazards count as defects here.

    pytest 9 makes an ini override of it; one that stands in somebody's ini file does not count.
    """
    return "strict=true" in (config.option.override_ini or []) or bool(getattr(config.option, "strict", False))
