"""Intervals hold what they promise: tried on synthetic data, and against scipy where it is installed."""

from __future__ import annotations

import math

import numpy
import pytest

from suites import intervals


@pytest.mark.parametrize(("freedom", "quantile"), [(1, 12.706), (4, 2.776), (9, 2.262), (30, 2.042), (1000, 1.962)])
def test_student_quantiles(freedom: int, quantile: float) -> None:
    assert intervals.student(freedom) == pytest.approx(quantile, rel=3e-3)


@pytest.mark.parametrize("blocks", [8, 24, 80])
def test_the_bootstrap_covers_a_mean_of_correlated_tokens(blocks: int) -> None:
    """Tokens of a text share an effect that is as large as their own noise; texts have different lengths."""
    random, hits, rounds = numpy.random.default_rng(3), 0, 300
    for round_ in range(rounds):
        tokens = random.integers(20, 60, size=blocks)
        effect = random.exponential(1.0, size=blocks)
        sums = tokens * effect + random.normal(size=blocks) * numpy.sqrt(tokens)
        rows = numpy.stack([sums, tokens], axis=1)
        low, high = intervals.bootstrap(rows, intervals.ratio_of_sums, resamples=400, seed=round_)
        hits += low <= 1.0 <= high
    assert 0.89 <= hits / rounds <= 0.99


def test_tokens_for_blocks_would_be_far_too_narrow() -> None:
    random = numpy.random.default_rng(1)
    texts = random.normal(size=(20, 1)) + random.normal(size=(20, 50))
    blocks = numpy.stack([texts.sum(axis=1), numpy.full(20, 50)], axis=1)
    tokens = numpy.stack([texts.ravel(), numpy.ones(1000)], axis=1)
    wide, narrow = (intervals.bootstrap(each, intervals.ratio_of_sums) for each in (blocks, tokens))
    assert wide[1] - wide[0] > 3 * (narrow[1] - narrow[0])


def test_one_block_has_no_interval() -> None:
    assert intervals.bootstrap([[1.0, 1.0]], intervals.ratio_of_sums) == (-math.inf, math.inf)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (3, 9), (9, 3), (1, 0), (20, 45), (7, 7)])
def test_mcnemar_is_the_binomial_test(first: int, second: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    expected = stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert intervals.mcnemar(first, second) == pytest.approx(expected)


def test_the_interval_of_a_paired_difference_covers() -> None:
    random, hits, rounds = numpy.random.default_rng(5), 0, 2000
    for _ in range(rounds):
        lost, won, _same = random.multinomial(60, [0.15, 0.05, 0.8])
        low, high = intervals.paired_difference(int(lost), int(won), 60)
        hits += low <= -0.1 <= high
    assert 0.93 <= hits / rounds <= 0.985


def test_equal_answers_leave_doubt() -> None:
    low, high = intervals.paired_difference(0, 0, 40)
    assert -0.1 < low < 0 < high < 0.1
