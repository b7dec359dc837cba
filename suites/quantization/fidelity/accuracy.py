"""Accuracy on the same items, under the full model and under the variant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from suites.findings import Defect
from suites.intervals import mcnemar, paired_difference
from suites.scoring.items import Mark

LOST = 0.5
"""Share of the items that the full model knows beyond guessing: rounding does not lose more, in any scheme.

Correct 4-bit weights lost 43% of a model of 135 million parameters, of which 21% beyond doubt; the policy's bounds are
stricter and depend on the scheme.
"""
ENOUGH = 8
"""Items that the full model must know beyond guessing for a test of losses."""
EXAMPLES = 30


def record(target: Any, full: dict[str, list[Mark]], other: dict[str, list[Mark]], version: str) -> None:
    """Records the paired difference of each task and the number of flipped answers."""
    flips = {kind: counted(full[kind], other[kind]) for kind in full}
    evidence = {}
    for kind, (lost, won, trials) in flips.items():
        target.metric(
            f"quantization.accuracy_change.{kind}",
            (won - lost) / trials,
            "share of items",
            better="higher",
            samples=trials,
            interval=paired_difference(lost, won, trials),
            version=version,
        )
        evidence[kind] = {"lost": lost, "won": won, "of": trials, "p (McNemar)": round(mcnemar(lost, won), 4)}
    changed = sum(lost + won for lost, won, _ in flips.values())
    whole = sum(trials for _, _, trials in flips.values())
    target.capability("quantization.answers_flipped", f"{changed} of {whole}", evidence=evidence)


def counted(full: Sequence[Mark], other: Sequence[Mark]) -> tuple[int, int, int]:
    """Counts the items that only the full model got right, those that only the variant did, and all."""
    pairs = list(zip(full, other, strict=True))
    lost = sum(one.right and not two.right for one, two in pairs)
    return lost, sum(two.right and not one.right for one, two in pairs), len(pairs)


def refuse_lost_accuracy(full: dict[str, list[Mark]], other: dict[str, list[Mark]]) -> None:
    """Raises Defect if more than `LOST` of the known items is lost beyond doubt."""
    __tracebackhide__ = True
    ones, twos = ([mark for kind in full for mark in marks[kind]] for marks in (full, other))
    lost, won, trials = counted(ones, twos)
    low, high = paired_difference(lost, won, trials)
    before, after = (sum(mark.right for mark in marks) for marks in (ones, twos))
    known = before - sum(mark.chance for mark in ones)
    if known >= ENOUGH and -high * trials > LOST * known:
        wrong = [two.id for one, two in zip(ones, twos, strict=True) if one.right and not two.right]
        raise Defect(
            f"The variant answers {after} of {trials} items correctly, the full model {before}: {lost} were lost"
            f" and {won} won (McNemar p = {mcnemar(lost, won):.2g}).",
            evidence={"change, 95% interval": [round(low, 3), round(high, 3)], "lost": wrong[:EXAMPLES]},
        )
