"""The policy of a run: which findings and metric bounds decide the verdict."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from reports.records import renamed
from reports.records.outcomes import SEVERITIES
from reports.records.to_json import Json, is_number
from reports.records.uses import TASK, USES, is_use

IGNORE = "ignore"
LEVELS = (IGNORE, *reversed(SEVERITIES))
OF_RECORDS = ("better", "default")
"""Fields of a bound that records have and users do not write."""


@dataclass(frozen=True)
class Grade:
    """The severity that a policy gives to the findings of one check."""

    level: str
    """One of LEVELS."""
    reason: str


@dataclass(frozen=True)
class Bound:
    """The values of one metric that a subject may have."""

    metric: str
    """Its name, or a pattern: `quantization.accuracy_change.*`."""
    reason: str
    min: float | None = None
    max: float | None = None
    better: str = ""
    """lower or higher, for the reader; the bound itself is `min` and `max`."""
    subject: tuple[str, ...] = ()
    """Names of the subjects that it applies to; empty for all. Likewise the next two, of variants."""
    quantization: tuple[str, ...] = ()
    device: tuple[str, ...] = ()
    """`cuda` stands for every cuda:N."""
    counts: str = "rejection"
    """The consequence of a value beyond it: rejection or condition."""
    only_if_measured: bool = False
    """True if a run that did not measure the metric is fine."""
    default: bool = False
    """True for a bound of the default policy, which a bound of the user on the same metric replaces."""

    def applies_to(self, subject: str) -> bool:
        return not self.subject or subject in self.subject

    def fits(self, metric: Mapping[str, Any]) -> bool:
        """True if name and variant of a measured metric are those of the bound."""
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
    """A validated policy."""

    severity: dict[str, Grade] = field(default_factory=dict)
    """By check id."""
    bounds: tuple[Bound, ...] = ()
    required: tuple[str, ...] | None = None
    """Suites that must give evidence."""
    uses: tuple[str, ...] = ()
    """Uses that decide the verdict besides the core ones."""

    @classmethod
    def from_dict(cls, data: Any, key: str = "policy", *, of_user: bool = False) -> Policy:
        """Reads `Run.policy`, or the table of a policy file or manifest.

        Args:
            key: where the table is in its file, empty for the file itself.
            of_user: refuse the fields that only records have.

        Raises:
            ValueError: names the key, what is wrong with it, and what is allowed.
        """
        table = Table(data, key, _fields(cls))
        severity, bounds, required = table.get("severity", {}), table.get("bounds", []), None
        if not isinstance(severity, Mapping):
            raise table.error("severity", "expected a table of check ids")
        if not isinstance(bounds, (list, tuple)):
            raise table.error("bounds", "expected a list of tables")
        if table.get("required") is not None:
            required = table.texts("required", "expected a list of suite names")
        allowed = [name for name in _fields(Bound) if not (of_user and name in OF_RECORDS)]
        at = table.key_of("bounds")
        return cls(
            {
                check: _grade(Table(entry, table.key_of(f"severity.{check}"), ("as", "reason")))
                for check, entry in severity.items()
            },
            tuple(_bound(Table(entry, f"{at}.{number}", allowed)) for number, entry in enumerate(bounds)),
            required,
            checked_uses(table.texts("uses", "expected a list of uses"), table.key_of("uses")),
        )


def checked_uses(names: Iterable[str], key: str) -> tuple[str, ...]:
    """Returns the uses; raises ValueError with the nearest name for an unknown one."""
    found = tuple(dict.fromkeys(names))
    for name in found:
        if not is_use(name):
            close = difflib.get_close_matches(name, [*USES, TASK + "text-generation"], n=1)
            hint = f" Did you mean '{close[0]}'?" if close else ""
            raise ValueError(f"{key}: unknown use '{name}'; known: {', '.join(USES)}, task:NAME.{hint}")
    return found


class Table:
    """One table of a policy, whose keys are known."""

    def __init__(self, data: Any, key: str, allowed: Iterable[str]) -> None:
        self.data: Mapping[str, Any] = data
        self.key = key
        known = sorted(allowed)
        if not isinstance(data, Mapping):
            raise ValueError(f"{key or 'the policy'}: expected a table with {', '.join(known)}, not {data!r}.")
        for name in data:
            if name not in known:
                close = difflib.get_close_matches(str(name), known, n=1)
                hint = f" Did you mean '{close[0]}'?" if close else ""
                raise ValueError(f"unknown key '{self.key_of(name)}'; allowed: {', '.join(known)}.{hint}")

    def key_of(self, name: str) -> str:
        return f"{self.key}.{name}" if self.key else str(name)

    def error(self, name: str, problem: str) -> ValueError:
        given = f", not {self.data[name]!r}" if name in self.data else ""
        return ValueError(f"{self.key_of(name)}: {problem}{given}.")

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a key; null counts as missing."""
        value = self.data.get(name)
        return default if value is None else value

    def text(self, name: str, problem: str) -> str:
        """A text that is there and not blank."""
        value = self.data.get(name)
        if not isinstance(value, str) or not value.strip():
            raise self.error(name, problem)
        return value

    def number(self, name: str) -> float | None:
        value = self.data.get(name)
        if value is not None and not (is_number(value) and math.isfinite(value)):
            raise self.error(name, "expected a finite number")
        return value

    def truth(self, name: str) -> bool:
        value = self.get(name, False)
        if not isinstance(value, bool):
            raise self.error(name, "expected true or false")
        return value

    def choice(self, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
        """One of the choices; required where there is no default."""
        value = self.get(name, default)
        if (value != default and value not in choices) or value is None:
            raise self.error(name, f"expected one of {', '.join(choices)}")
        return str(value)

    def texts(self, name: str, problem: str) -> tuple[str, ...]:
        value = self.get(name, [])
        if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
            raise self.error(name, problem)
        return tuple(value)

    def names(self, name: str) -> tuple[str, ...]:
        """One name, or a list of names."""
        value = self.data.get(name)
        return (value,) if isinstance(value, str) else self.texts(name, "expected a name or a list of names")


def with_defaults(table: Json, default: Json) -> Json:
    """A policy as records hold it: the user's, without empty keys, with the bounds of the default policy, marked."""
    bounds = [*table.get("bounds", []), *(bound | {"default": True} for bound in default.get("bounds", []))]
    return {name: value for name, value in table.items() if value} | {"bounds": bounds}


def _fields(kind: type) -> tuple[str, ...]:
    return tuple(each.name for each in dataclasses.fields(kind))


def _grade(table: Table) -> Grade:
    return Grade(table.choice("as", LEVELS), _reason(table))


def _bound(table: Table) -> Bound:
    metric = renamed.name(table.text("metric", "expected the name of a metric"))
    low, high = table.number("min"), table.number("max")
    if low is None and high is None:
        raise ValueError(f"{table.key}: a bound needs min or max.")
    if low is not None and high is not None and low > high:
        raise ValueError(f"{table.key}: min is above max.")
    return Bound(
        metric=metric,
        reason=_reason(table),
        min=low,
        max=high,
        better=table.choice("better", ("lower", "higher"), default=""),
        subject=table.names("subject"),
        quantization=table.names("quantization"),
        device=table.names("device"),
        counts=table.choice("counts", ("rejection", "condition"), default="rejection"),
        only_if_measured=table.truth("only_if_measured"),
        default=table.truth("default"),
    )


def _reason(table: Table) -> str:
    return table.text("reason", "needs a reason, so that the next reader knows why")
