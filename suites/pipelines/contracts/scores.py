"""What scores have to be."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

SLACK = 4e-3
"""Scores are rounded, in bfloat16 by up to 2^-9 of each, and so is what their sum is made of."""


def sorted_down(scores: Sequence[float]) -> Iterator[str]:
    if any(first < second - SLACK * abs(first) for first, second in pairwise(scores)):
        yield f"the scores are not sorted, best first: {[round(score, 4) for score in scores[:6]]}"


def as_probabilities(scores: Sequence[float], *, exclusive: bool) -> Iterator[str]:
    """Numbers from 0 to 1; summing up to 1 where exactly one answer is right and all are listed."""
    wrong = [score for score in scores if not (math.isfinite(score) and -SLACK <= score <= 1 + SLACK)]
    if wrong:
        yield f"a score of {wrong[0]} is no probability"
    elif exclusive and abs(math.fsum(scores) - 1) > SLACK * max(1, len(scores) / 100):
        yield f"the scores of all labels sum up to {math.fsum(scores):.4f}, not 1"
