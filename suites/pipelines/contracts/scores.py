"""Checks of the scores in an answer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

SLACK = 4e-3
"""Tolerance for scores and their sums: bfloat16 rounds each by up to 2^-9."""


def descending(scores: Sequence[float]) -> Iterator[str]:
    """Yields a problem if the scores are not sorted, best first."""
    if any(first < second - SLACK * abs(first) for first, second in pairwise(scores)):
        yield f"the scores are not sorted, best first: {[round(score, 4) for score in scores[:6]]}"


def as_probabilities(scores: Sequence[float], *, exclusive: bool) -> Iterator[str]:
    """Yields a problem if a score is not from 0 to 1, or if scores of mutually exclusive answers do not sum up to 1."""
    wrong = [score for score in scores if not (math.isfinite(score) and -SLACK <= score <= 1 + SLACK)]
    if wrong:
        yield f"a score of {wrong[0]} is not a probability"
    elif exclusive and abs(math.fsum(scores) - 1) > SLACK * max(1, len(scores) / 100):
        yield f"the scores of all labels sum up to {math.fsum(scores):.4f}, not 1"
