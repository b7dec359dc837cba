"""Which findings and metric bounds decide the verdict."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from reports.records import renamed

LEVELS = ("ignore", "hazard", "defect")


@dataclass(frozen=True)
class Grade:
    """What a finding of one check counts as, instead of what the check says."""

    level: str
    """One of LEVELS."""
    reason: str


@dataclass(frozen=True)
class Bound:
    """The values of one metric that a subject may have."""

    metric: str
    reason: str
    min: float | None = None
    max: float | None = None
    better: str | None = None
    """lower or higher, for the reader; the bound itself is `min` and `max`."""
    subject: tuple[str, ...] = ()
    """Names of the subjects that it is about; empty for all. Likewise the two below, of variants."""
    quantization: tuple[str, ...] = ()
    device: tuple[str, ...] = ()
    """`cuda` stands for every cuda:N."""
    counts: str = "rejection"
    """What it means to be beyond: rejection or condition."""
    only_if_measured: bool = False
    """Whether nothing is said where the metric was not measured."""
    default: bool = False
    """Of the default policy: a bound of the user on the same metric takes its place."""

    def about(self, subject: str) -> bool:
        """Whether it is about a subject."""
        return not self.subject or subject in self.subject

    def fits(self, metric: Mapping[str, Any]) -> bool:
        """Whether it is about a measured metric: by the name, and by the variant."""
        variant = metric.get("variant") or {}
        device = str(variant.get("device", ""))
        return (
            fnmatchcase(str(metric["name"]), self.metric)
            and (not self.quantization or variant.get("quantization") in self.quantization)
            and (not self.device or device in self.device or device.partition(":")[0] in self.device)
        )

    def beyond(self, value: float) -> bool:
        return (self.min is not None and value < self.min) or (self.max is not None and value > self.max)

    def wholly_beyond(self, low: float, high: float) -> bool:
        return (self.min is not None and high < self.min) or (self.max is not None and low > self.max)

    def __str__(self) -> str:
        low = None if self.min is None else f"at least {self.min:g}"
        high = None if self.max is None else f"at most {self.max:g}"
        return " and ".join(part for part in (low, high) if part)


@dataclass(frozen=True)
class Policy:
    """The policy of a run, checked: a misspelled field is an error that names it."""

    severity: dict[str, Grade] = field(default_factory=dict)
    """Check id to what its findings count as."""
    bounds: tuple[Bound, ...] = ()
    required: tuple[str, ...] | None = None
    """Suites that must give evidence; None: every suite that was planned for the subject."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Policy:
        """From the plain object of a policy file or of `Run.policy`."""
        _known("policy", data, ("severity", "bounds", "required"))
        required = data.get("required")
        return cls(
            severity={check: _grade(check, entry) for check, entry in (data.get("severity") or {}).items()},
            bounds=tuple(_bound(index, entry) for index, entry in enumerate(data.get("bounds") or (), 1)),
            required=None if required is None else _suites(required),
        )


def _known(where: str, data: Any, allowed: tuple[str, ...]) -> None:
    if not isinstance(data, Mapping):
        raise ValueError(f"{where}: expected a table with {', '.join(allowed)}, got {data!r}")
    if unknown := [name for name in data if name not in allowed]:
        raise ValueError(f"{where}: unknown field {', '.join(map(repr, unknown))}; allowed: {', '.join(allowed)}")


def _grade(check: str, entry: Any) -> Grade:
    where = f"policy severity of {check}"
    _known(where, entry, ("as", "reason"))
    if entry.get("as") not in LEVELS:
        raise ValueError(f"{where}: 'as' must be one of {', '.join(LEVELS)}, not {entry.get('as')!r}")
    return Grade(entry["as"], _reason(where, entry))


def _bound(index: int, entry: Any) -> Bound:
    where = f"policy bound {index}"
    _known(where, entry, tuple(f.name for f in dataclasses.fields(Bound)))
    if not isinstance(entry.get("metric"), str):
        raise ValueError(f"{where}: 'metric' must name a metric")
    limits = [entry.get(side) for side in ("min", "max")]
    if limits == [None, None] or not all(value is None or _is_number(value) for value in limits):
        raise ValueError(f"{where} ({entry['metric']}): give 'min' or 'max' as a number")
    if entry.get("counts", "rejection") not in ("rejection", "condition"):
        raise ValueError(f"{where} ({entry['metric']}): 'counts' must be rejection or condition")
    if entry.get("better") not in (None, "lower", "higher"):
        raise ValueError(f"{where} ({entry['metric']}): 'better' must be lower or higher")
    keys = {name: _names(entry[name]) for name in ("subject", "quantization", "device") if entry.get(name)}
    return Bound(
        **{
            **entry,
            **keys,
            "metric": renamed.name(entry["metric"]),
            "reason": _reason(f"{where} ({entry['metric']})", entry),
        }
    )


def _names(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(map(str, value))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not math.isnan(value)


def _suites(value: Any) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"policy required: expected a list of suite names, got {value!r}")
    return tuple(value)


def _reason(where: str, entry: Mapping[str, Any]) -> str:
    if not isinstance(entry.get("reason"), str) or not entry["reason"].strip():
        raise ValueError(f"{where}: needs a 'reason', so that the next reader knows why")
    return str(entry["reason"])
