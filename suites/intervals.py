"""Uncertainty of what the checks measure."""

from __future__ import annotations

import math

Z95 = 1.959963984540054
"""Quantile of the normal distribution for a two-sided 95% interval."""


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """95% score interval of a proportion; sensible also for few trials and for shares of 0 or 1.

    Source: E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22 (1927).
    """
    share, square = successes / trials, Z95**2
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    half = Z95 / (1 + square / trials) * math.sqrt(share * (1 - share) / trials + square / (4 * trials**2))
    return max(0.0, centre - half), min(1.0, centre + half)
