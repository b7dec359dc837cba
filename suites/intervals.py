"""Confidence intervals and significance tests for the numbers that checks measure."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

Z95 = 1.959963984540054
"""Quantile of the normal distribution for a two-sided 95% interval."""
SMALL = {1: 12.7062, 2: 4.3027, 3: 3.1824}
"""Quantiles of Student's distribution by degrees of freedom, where the series below is not accurate."""


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """95% score interval of a proportion, valid also for few trials and for shares of 0 or 1.

    Source: E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22 (1927).
    """
    share, square = successes / trials, Z95**2
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    half = Z95 / (1 + square / trials) * math.sqrt(share * (1 - share) / trials + square / (4 * trials**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def student(freedom: int) -> float:
    """Quantile of Student's distribution for a two-sided 95% interval.

    Exact to 0.3% from four degrees of freedom on, tabulated below that.
    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5.
    """
    if freedom in SMALL:
        return SMALL[freedom]
    z = Z95
    terms = ((z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96, (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384)
    return z + sum(term / float(freedom) ** (power + 1) for power, term in enumerate(terms))


def bootstrap(
    blocks: Any, statistic: Callable[[Any], Any], *, resamples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """95% bootstrap interval of a statistic of independent blocks: texts, documents or rounds, not tokens of one text.

    `blocks` is an array with one row per block. `statistic` takes arrays (... x blocks x columns) of resampled rows
    and returns one number per leading index. The percentiles are expanded because few blocks give too narrow intervals.

    Source: T. Hesterberg, What Teachers Should Know About the Bootstrap (2015), section 'expanded percentile',
    https://arxiv.org/abs/1411.5279
    """
    import numpy

    rows = numpy.asarray(blocks, dtype=float)
    if len(rows) < 2:
        return -math.inf, math.inf
    drawn = numpy.random.default_rng(seed).integers(len(rows), size=(resamples, len(rows)))
    low, high = expanded(len(rows))
    lower, upper = numpy.quantile(statistic(rows[drawn]), (low, high))
    return float(lower), float(upper)


def expanded(blocks: int) -> tuple[float, float]:
    """Lower and upper percentile of the bootstrap distribution that hold 95% with this number of blocks."""
    far = math.sqrt(blocks / (blocks - 1)) * student(blocks - 1)
    tail = math.erfc(far / math.sqrt(2)) / 2
    return tail, 1 - tail


def ratio_of_sums(rows: Any) -> Any:
    """Sum of the first column divided by that of the second: a mean per token of blocks (sum, number of tokens)."""
    return rows[..., 0].sum(axis=-1) / rows[..., 1].sum(axis=-1)


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided p-value of a paired comparison, from the items that only the first or only the second got right.

    Source: Q. McNemar, Note on the sampling error of the difference between correlated proportions, Psychometrika 12
    (1947); the binomial form.
    """
    count, fewer = only_first + only_second, min(only_first, only_second)
    tail: float = sum(math.comb(count, each) for each in range(fewer + 1)) / 2**count
    return min(1.0, 2 * tail)


def paired_difference(only_first: int, only_second: int, trials: int) -> tuple[float, float]:
    """95% interval of the second's share of right items minus the first's, on the same items.

    Valid also where they differ on no item. Source: D. Bonett and R. Price, Adjusted Wald confidence interval for a
    difference of binomial proportions based on paired data, J. Educational and Behavioral Statistics 37 (2012).
    """
    first, second = (only_first + 1) / (trials + 2), (only_second + 1) / (trials + 2)
    half = Z95 * math.sqrt((first + second - (second - first) ** 2) / (trials + 2))
    return max(-1.0, second - first - half), min(1.0, second - first + half)


def binomial_tail(successes: int, trials: int, share: float) -> float:
    """Probability of at most `successes` in `trials`, each with probability `share`."""
    return sum(math.comb(trials, each) * share**each * (1 - share) ** (trials - each) for each in range(successes + 1))
