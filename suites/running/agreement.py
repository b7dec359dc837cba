"""Whether two ways to compute the same thing agree, and where they part.

Two right ways differ by rounding. What rounding explains is measured per model (`noise.py`); beyond it, logits that
differ are a defect. Tokens may differ within it, where the best two are nearly tied: a hazard, told with its rate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fixtures.text.differences import first_difference
from suites.findings import Defect, Hazard


@dataclass(frozen=True)
class Run:
    """Tokens that were generated, with the logits that they were chosen from."""

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
    """Where two runs part."""

    position: int
    """Counted in new tokens, from 0."""
    logits: float
    """The largest difference of a logit, up to and at this position."""
    gap: float
    """How far the expected token's logit is above that of the other's, in the expected run; 0 for the same token."""
    tolerance: float

    @property
    def near_tie(self) -> bool:
        """Whether rounding explains it: each of two logits may move by the tolerance."""
        return self.logits <= self.tolerance and 0 <= self.gap <= 2 * self.tolerance

    def as_json(self) -> dict[str, Any]:
        return {
            "position": self.position,
            "largest_logit_difference": _finite(self.logits),
            "logit_gap": _finite(self.gap),
            "explained_by_rounding": self.tolerance,
        }


def difference(expected: Run, actual: Run, tolerance: float) -> Difference | None:
    """The first position at which logits differ by more than the tolerance, or tokens differ; None without one.

    Behind the first different token the runs answer different texts, and nothing is compared.
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
    remedy: str | None = None,
) -> None:
    """Raises where tokens or logits of (expected, actual) runs differ.

    `what` is a sentence without its full stop: 'With the static cache the model generates something else'.

    Raises:
        Defect: by more than rounding explains.
        Hazard: tokens differ at near-ties only; the share of runs is told.
    """
    __tracebackhide__ = True
    compared = list(pairs)
    found = [parted for pair in compared if (parted := difference(*pair, tolerance))]
    if not found:
        return
    worst = next((parted for parted in found if not parted.near_tie), None)
    facts = dict(evidence or {}) | (worst or found[0]).as_json() | {"runs": len(compared), "differ": len(found)}
    if worst:
        raise Defect(f"{what} ({_told(worst)}).", evidence=facts, remedy=remedy)
    share = f"in {len(found)} of {len(compared)} runs, at new token {found[0].position}"
    raise Hazard(f"{what}, at a near-tie only, within rounding ({share}).", evidence=facts, remedy=remedy)


def must_match(
    expected: Any,
    actual: Any,
    tolerance: float,
    what: str,
    *,
    evidence: Mapping[str, Any] | None = None,
    remedy: str | None = None,
) -> None:
    """Raises a Defect where logits (positions x vocabulary) of the same tokens differ beyond rounding."""
    __tracebackhide__ = True
    apart = distances(expected, actual)
    position = next((i for i, distance in enumerate(apart) if not distance <= tolerance), None)
    if position is None:
        return
    largest = _finite(max(apart))
    facts = {"position": position, "largest_logit_difference": largest, "explained_by_rounding": tolerance}
    told = "to what is no finite number" if largest is None else f"by up to {largest:.2g}"
    told = f"from position {position} on, {told}; rounding explains {tolerance:.1g}"
    raise Defect(f"{what} ({told}).", evidence=dict(evidence or {}) | facts, remedy=remedy)


def distances(expected: Any, actual: Any) -> list[float]:
    """The largest difference of a logit, by position; infinite where only one of the two is a number."""
    import torch

    left, right = expected.float(), actual.float()
    apart = (left - right).abs().nan_to_num(nan=float("inf"), posinf=float("inf"))
    same = (left == right) | (left.isnan() & right.isnan())
    return [float(value) for value in torch.where(same, 0.0, apart).amax(dim=-1)] if len(apart) else []


def _finite(value: float) -> float | None:
    """JSON has no infinity."""
    return value if abs(value) < float("inf") else None


def _gap(expected: Run, actual: Run, position: int) -> float:
    row = expected.logits[position]
    return float(row[expected.ids[position]] - row[actual.ids[position]])


def _told(parted: Difference) -> str:
    place, explained = f"from new token {parted.position} on", f"rounding explains {parted.tolerance:.1g}"
    if parted.logits == float("inf"):
        return f"{place}, where a logit is no finite number"
    if parted.logits > parted.tolerance:
        return f"{place}, where logits differ by {parted.logits:.2g}; {explained}"
    if parted.gap == float("inf"):
        return f"{place}, where one of the two ends"
    return f"{place}, where it takes a token {parted.gap:.2g} below the best; {explained}"
