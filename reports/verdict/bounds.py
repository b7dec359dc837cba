"""Metric bounds of the policy: a value counts as beyond a bound only if its whole interval is."""

from __future__ import annotations

from collections.abc import Iterable

from reports.records.policy import Bound
from reports.records.to_json import Json
from reports.wording import number, sentence, variant

REJECTION, UNKNOWN, CONDITION = "rejections", "unknowns", "conditions"
"""Lists of `reasons.SubjectVerdict` that the sentence of a bound may go to."""
STRENGTHS = (REJECTION, UNKNOWN, CONDITION)
"""The strongest first."""
Reason = tuple[str, str]
"""A list and a sentence; both empty if the bound holds."""


def weigh(bound: Bound, metrics: Iterable[Json], others: Iterable[Bound] = ()) -> Reason:
    """Returns the strongest reason that the metrics of a subject give.

    Args:
        others: the bounds of the same subject; a default bound gives way to a bound of the user on the same metric.
    """
    of_user = [other for other in others if not other.default] if bound.default else []
    fitting = [metric for metric in metrics if bound.fits(metric)]
    measured = [metric for metric in fitting if not any(other.fits(metric) for other in of_user)]
    if not measured and (fitting or bound.only_if_measured):
        return "", ""
    if not measured:
        return CONDITION, f"{bound.metric} was not measured; the policy asks for {bound}: {sentence(bound.reason)}"
    reasons = [_weigh_one(bound, metric) for metric in measured]
    return min((reason for reason in reasons if reason[0]), key=lambda each: STRENGTHS.index(each[0]), default=("", ""))


def with_limits(metric: Json, bounds: Iterable[Bound]) -> Json:
    """The metric with the bounds that hold for it: their words, what they count as, and whether it is beyond them.

    A bound of the user replaces those of the default policy.
    """
    fitting = [bound for bound in bounds if bound.fits(metric)]
    own = [bound for bound in fitting if not bound.default] or fitting
    value = metric.get("value")
    low, high = _interval(metric) or (value, value)
    limits = [
        {
            "limit": str(bound),
            "counts": bound.counts,
            "beyond": value is not None and low is not None and high is not None and bound.wholly_beyond(low, high),
            "reason": bound.reason,
        }
        for bound in own
    ]
    return metric | ({"limits": limits} if limits else {})


def _weigh_one(bound: Bound, metric: Json) -> Reason:
    value = metric.get("value")
    if value is None:
        problem = f"{_name(metric)} is not a finite number; the policy asks for {bound}"
        return UNKNOWN, f"{problem}: {sentence(bound.reason)}"
    low, high = _interval(metric) or (value, value)
    lenient = bound.default or bound.counts == "condition"
    if bound.wholly_beyond(low, high):
        strength = CONDITION if bound.counts == "condition" else REJECTION
        return strength, f"{_measured(metric)}; the policy asks for {bound}: {sentence(bound.reason)}"
    if bound.beyond(value):
        summary = f"Not enough data for {_measured(metric)} to compare it with {bound}: {sentence(bound.reason)}"
        return CONDITION if lenient else UNKNOWN, summary
    if (bound.beyond(low) or bound.beyond(high)) and not lenient:
        return CONDITION, f"{_measured(metric)} meets {bound}, but there is not enough data to be sure."
    return "", ""


def _interval(metric: Json) -> tuple[float, float] | None:
    match metric.get("interval"):
        case [int() | float() as low, int() | float() as high]:
            return low, high
    return None


def _name(metric: Json) -> str:
    how = variant(metric["variant"])
    return f"{metric['name']} ({how})" if how else str(metric["name"])


def _measured(metric: Json) -> str:
    """`quantization.kl_divergence (nf4) is 0.01 nats/token (95% interval 0.009 to 0.011)`."""
    interval = _interval(metric)
    spread = f" (95% interval {number(interval[0])} to {number(interval[1])})" if interval else ""
    return f"{_name(metric)} is {number(metric['value'])} {metric.get('unit', '')}".rstrip() + spread
