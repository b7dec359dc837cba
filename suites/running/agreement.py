"""Compares two ways to compute the same tokens and logits, and finds their first difference.

Two correct ways differ by rounding, which is measured per model (`rounding.py`). Logits that differ by more are a
defect. Tokens that differ within rounding, because the best two are nearly tied, are a hazard with its rate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fixtures.text.differences import first_difference
from suites.findings import Defect, Hazard

TOKENS_DIFFER = "other_tokens"
"""In the evidence of a finding: True if the two runs chose different tokens."""


@dataclass(frozen=True)
class Run:
    """Generated tokens, with the logits that they were chosen from."""

    ids: Sequence[int]
    logits: Any
    """len(ids) x vocabulary, float32 on the CPU, before any logits processor."""

    def first(self, count: int) -> Run:
        """The run's first tokens."""
        return Run(self.ids[:count], self.logits[:count])

    def last(self, count: int) -> Run:
        """The run's last tokens."""
        return Run(self.ids[len(self.ids) - count :], self.logits[len(self.ids) - count :])


@dataclass(frozen=True)
class Difference:
    """The first difference of two runs."""

    position: int
    """Counted in new tokens, from 0."""
    logits: float
    """The largest difference of a logit, up to and at this position."""
    gap: float
    """Logit of the expected token minus that of the actual one, both in the expected run; 0 for the same token."""
    tolerance: float

    @property
    def near_tie(self) -> bool:
        """True if rounding explains it: each of two logits may move by the tolerance."""
        return self.logits <= self.tolerance and 0 <= self.gap <= 2 * self.tolerance

    def as_json(self) -> dict[str, Any]:
        return {
            "position": self.position,
            "largest_logit_difference": _finite(self.logits),
            "logit_gap": _finite(self.gap),
            "explained_by_rounding": self.tolerance,
        }


def difference(expected: Run, actual: Run, tolerance: float) -> Difference | None:
    """Returns the first position at which tokens differ, or logits differ by more than the tolerance, or None.

    Nothing is compared after the first different token, because the runs then continue different texts.
    """
    same = first_difference(list(expected.ids), list(actual.ids))
    length = min(len(expected.ids), len(actual.ids))
    compared = min(same + 1, length)
    apart = distances(expected.logits[:compared], actual.logits[:compared])
    beyond = next((i for i, distance in enumerate(apart) if not distance <= tolerance), None)
    if beyond is not None:
        return Difference(beyond, apart[beyond], _gap(expected, actual, beyond), tolerance)
    if same < length:
        return Difference(same, max(apart), _gap(expected, actual, same), tolerance)
    if len(expected.ids) != len(actual.ids):
        return Difference(length, max(apart, default=0.0), float("inf"), tolerance)
    return None


def must_agree(
    pairs: Iterable[tuple[Run, Run]],
    tolerance: float,
    what: str,
    *,
    evidence: Mapping[str, Any] | None = None,
    fix: str | None = None,
) -> None:
    """Raises if tokens or logits of (expected, actual) runs differ.

    Args:
        what: the finding without its full stop, such as 'A static cache changes the generated tokens'.

    Raises:
        Defect: they differ by more than rounding explains.
        Hazard: tokens differ at near-ties only; the summary has the share of runs.
    """
    __tracebackhide__ = True
    compared = list(pairs)
    found = [each for pair in compared if (each := difference(*pair, tolerance))]
    if not found:
        return
    worst = next((each for each in found if not each.near_tie), None)
    other_tokens = any(list(expected.ids) != list(actual.ids) for expected, actual in compared)
    facts = dict(evidence or {}) | (worst or found[0]).as_json() | {TOKENS_DIFFER: other_tokens}
    facts |= {"runs": len(compared), "differ": len(found)}
    if worst:
        raise Defect(f"{what} ({_details(worst)}).", evidence=facts, fix=fix)
    share = f"in {len(found)} of {len(compared)} runs, at new token {found[0].position}"
    raise Hazard(f"{what}, at a near-tie only, within rounding ({share}).", evidence=facts, fix=fix)


def must_match(
    expected: Any,
    actual: Any,
    tolerance: float,
    what: str,
    *,
    evidence: Mapping[str, Any] | None = None,
    fix: str | None = None,
) -> None:
    """Raises Defect if logits (positions x vocabulary) of the same tokens differ by more than rounding explains."""
    __tracebackhide__ = True
    apart = distances(expected, actual)
    position = next((i for i, distance in enumerate(apart) if not distance <= tolerance), None)
    if position is None:
        return
    largest = _finite(max(apart))
    facts = {"position": position, "largest_logit_difference": largest, "explained_by_rounding": tolerance}
    change = "to a value that is not finite" if largest is None else f"by up to {largest:.2g}"
    details = f"from position {position} on, {change}; rounding explains {tolerance:.1g}"
    raise Defect(f"{what} ({details}).", evidence=dict(evidence or {}) | facts, fix=fix)


def distances(expected: Any, actual: Any) -> list[float]:
    """Returns the largest difference of a logit at each position; infinite if only one of the two is NaN."""
    import torch

    left, right = expected.float(), actual.float()
    apart = (left - right).abs().nan_to_num(nan=float("inf"), posinf=float("inf"))
    same = (left == right) | (left.isnan() & right.isnan())
    return [float(value) for value in torch.where(same, 0.0, apart).amax(dim=-1)] if len(apart) else []


def _finite(value: float) -> float | None:
    """The value, or None for infinity, which JSON does not have."""
    return value if abs(value) < float("inf") else None


def _gap(expected: Run, actual: Run, position: int) -> float:
    row = expected.logits[position]
    return float(row[expected.ids[position]] - row[actual.ids[position]])


def _details(found: Difference) -> str:
    start, explained = f"from new token {found.position} on", f"rounding explains {found.tolerance:.1g}"
    if found.logits == float("inf"):
        return f"{start}, where a logit is not finite"
    if found.logits > found.tolerance:
        return f"{start}, where logits differ by {found.logits:.2g}; {explained}"
    if found.gap == float("inf"):
        return f"{start}, where one of the two ends"
    return f"{start}, where the chosen token's logit is {found.gap:.2g} below the best; {explained}"
