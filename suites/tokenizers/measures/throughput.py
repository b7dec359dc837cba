"""Characters that a tokenizer encodes and decodes per second of processor time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

ROUNDS, FEWEST_ROUNDS = 9, 3
TIME_LIMIT = 0.25
"""Seconds after which a slow tokenizer gets the fewest rounds."""


@dataclass(frozen=True)
class Throughput:
    """Seconds of processor time of each round, for encoding and decoding."""

    characters: int
    seconds: dict[str, list[float]]

    @classmethod
    def of(cls, tokenizer: Any, texts: Sequence[str], ids: Sequence[list[int]]) -> Throughput:
        """Measures rounds over all texts in one thread, so that the number of cores does not matter."""
        work: dict[str, Callable[[], object]] = {
            "encoding": lambda: [tokenizer.encode(text, add_special_tokens=False) for text in texts],
            "decoding": lambda: [tokenizer.decode(each) for each in ids],
        }
        seconds: dict[str, list[float]] = {name: [] for name in work}
        started = time.perf_counter()
        for number in range(ROUNDS):
            if number >= FEWEST_ROUNDS and time.perf_counter() - started > TIME_LIMIT:
                break
            for name, run in work.items():
                seconds[name].append(processor_seconds(run))
        return cls(sum(map(len, texts)), seconds)

    @property
    def rounds(self) -> int:
        return min(map(len, self.seconds.values()))

    def per_second(self) -> dict[str, tuple[float, float, float]]:
        """Median of the characters per second, with its 95% bootstrap interval."""
        rates = {name: [self.characters / taken for taken in each] for name, each in self.seconds.items()}
        return {name: (median(each), *bootstrap(each)) for name, each in rates.items()}


def processor_seconds(run: Callable[[], object]) -> float:
    """Processor time of the calling thread, at least a nanosecond; other threads do not count."""
    before = time.thread_time_ns()
    run()
    return max(1, time.thread_time_ns() - before) / 1e9


def bootstrap(values: Sequence[float], *, draws: int = 400) -> tuple[float, float]:
    """95% percentile interval of the median, from a fixed seed.

    Source: B. Efron, Bootstrap Methods: Another Look at the Jackknife, Annals of Statistics 7 (1979).
    """
    choose = random.Random(0)
    medians = sorted(median(choose.choices(values, k=len(values))) for _ in range(draws))
    return medians[round(0.025 * draws)], medians[round(0.975 * draws) - 1]
