"""Rounds of generation, and figures of them with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

from suites.findings import Limit, Missing
from suites.intervals import bootstrap, ratio_of_sums
from suites.quantization.cost.writing import Round

SECONDS = {"quick": 2.0, "standard": 10.0, "exhaustive": 40.0}
"""Time that a measurement may take, by profile."""
FEWEST, MOST = 3, 20
MISSING = "timings need the package pytest-benchmark"
INSTALL = "pip install 'seatrial[benchmark]'"


def installed() -> bool:
    return find_spec("pytest_benchmark") is not None


def count(seconds: float, profile: str) -> int:
    """Returns the number of rounds of that length that fit the profile."""
    return max(FEWEST, min(MOST, int(SECONDS[profile] / seconds)))


def benchmarked(request: Any, write: Callable[[], Round], profile: str) -> list[Round]:
    """Runs a warm-up, then rounds through pytest-benchmark; returns all of these rounds."""
    if not hasattr(request.config, "_benchmarksession"):
        raise Missing(MISSING, INSTALL)
    benchmark = request.getfixturevalue("benchmark")
    if benchmark.disabled:
        raise Limit("pytest-benchmark is switched off (--benchmark-disable), so nothing was timed")
    found: list[Round] = []
    times = count(write().total, profile)
    benchmark.pedantic(lambda: found.append(write()), rounds=times)
    return found


def interleaved(works: Sequence[Callable[[], Round]], profile: str) -> list[tuple[Round, ...]]:
    """Runs a warm-up, then rounds in which each works once; they take turns at being first."""
    times = count(sum(work().total for work in works), profile)
    found = []
    for number in range(times):
        order = range(len(works)) if number % 2 == 0 else reversed(range(len(works)))
        taken = {each: works[each]() for each in order}
        found.append(tuple(taken[each] for each in range(len(works))))
    return found


def rate(pairs: Sequence[tuple[float, float]]) -> tuple[float, tuple[float, float]]:
    """Returns the ratio of two sums over rounds, with its bootstrap interval."""
    import numpy

    above, below = numpy.array(pairs).sum(axis=0)
    return float(above / below), bootstrap(pairs, ratio_of_sums)


def mean(values: Sequence[float]) -> tuple[float, tuple[float, float]]:
    return rate([(value, 1.0) for value in values])


def quantiles(rounds: Sequence[Round], shares: Sequence[float]) -> list[float]:
    """Returns quantiles of the times of single steps, over all rounds."""
    import numpy

    return [float(each) for each in numpy.quantile([step for one in rounds for step in one.steps], shares)]


def by_step(rounds: Sequence[Round]) -> list[list[float]]:
    """Returns [token, median, lowest, highest] seconds of each step, for a plot."""
    import numpy

    steps = numpy.array([one.steps for one in rounds])
    parts = zip(numpy.median(steps, axis=0), steps.min(axis=0), steps.max(axis=0), strict=True)
    return [[number, *map(float, part)] for number, part in enumerate(parts, start=2)]
