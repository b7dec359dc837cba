"""Metric bounds of the policy: a value is beyond a bound only when its whole interval is."""

from __future__ import annotations

from collections.abc import Iterable

from reports.records.policy import Bound
from reports.records.schema import Json
from reports.wording import number, sentence, variant

PILES = ("broken", "unknown", "conditions")
"""What a bound can lead to, strongest first."""


def weigh(bound: Bound, metrics: Iterable[Json], others: Iterable[Bound] = ()) -> tuple[str, str]:
    """The pile for the verdict and a sentence for it; empty when the bound holds.

    `others` are the bounds of the same subject: where one of the user's fits too, a default one says nothing.
    """
    own = [other for other in others if not other.default] if bound.default else []
    fitting = [metric for metric in metrics if bound.fits(metric)]
    measured = [metric for metric in fitting if not any(other.fits(metric) for other in own)]
    if not measured and (fitting or bound.only_if_measured):
        return "", ""
    if not measured:
        return "conditions", f"{bound.metric} was not measured; the policy wants {bound}: {sentence(bound.reason)}"
    weighed = [_one(bound, metric) for metric in measured]
    return min((found for found in weighed if found[0]), key=lambda found: PILES.index(found[0]), default=("", ""))


def _one(bound: Bound, metric: Json) -> tuple[str, str]:
    value = metric.get("value")
    if value is None:
        return "unknown", f"{_name(metric)} is not a finite number; the policy wants {bound}: {sentence(bound.reason)}"
    low, high = _interval(metric) or (value, value)
    lenient = bound.default or bound.counts == "condition"
    if bound.wholly_beyond(low, high):
        pile = "conditions" if bound.counts == "condition" else "broken"
        return pile, f"{_told(metric)}; the policy wants {bound}: {sentence(bound.reason)}"
    if bound.beyond(value):
        told = f"Not enough data for {_told(metric)} to compare it with {bound}: {sentence(bound.reason)}"
        return "conditions" if lenient else "unknown", told
    if (bound.beyond(low) or bound.beyond(high)) and not lenient:
        return "conditions", f"{_told(metric)} keeps to {bound}, but there is not enough data to be sure."
    return "", ""


def _interval(metric: Json) -> tuple[float, float] | None:
    match metric.get("interval"):
        case [int() | float() as low, int() | float() as high]:
            return low, high
    return None


def _name(metric: Json) -> str:
    how = variant(metric["variant"])
    return f"{metric['name']} ({how})" if how else str(metric["name"])


def _told(metric: Json) -> str:
    interval = _interval(metric)
    spread = f" (95% interval {number(interval[0])} to {number(interval[1])})" if interval else ""
    return f"{_name(metric)} is {number(metric['value'])} {metric.get('unit', '')}".rstrip() + spread
