"""Timings of two sides: ratios of pairs of processes, one of each side in changing order, with their interval.

Only ratios are reported, since other load of the machine affects both sides of a pair alike. The workload is
`python -m fixtures.upgrade.workload SOURCE`, which prints CPU seconds by step.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from reports import wording
from reports.baseline import kinds
from reports.records.to_json import Json
from reports.upgrade import runs

RESAMPLES = 2000
EFFECT = 0.1
"""Smallest change of a ratio that is reported, if its interval excludes 1 too."""
FEWEST = 5
"""Fewest pairs that give an interval."""
WORKLOAD = "fixtures.upgrade.workload"


def compared(
    pythons: Sequence[Path], code: Path, sources: Sequence[str], pairs: int, say: Callable[[str], None]
) -> list[Json]:
    """One change for each step of each source, with its ratio; a note unless it became slower or faster."""
    refuse_few(pairs)
    results = []
    for source in sources or ["builtin:tiny-text-generation"]:
        say(f"Timing {source}: {pairs} pairs of processes.")
        measured = [_pair(pythons, code, source, number) for number in range(pairs)]
        results += changes(source, measured)
    return results


def refuse_few(pairs: int) -> None:
    if pairs < FEWEST:
        raise ValueError(f"--timings {pairs}: fewer than {FEWEST} pairs give no interval")


def _pair(pythons: Sequence[Path], code: Path, source: str, number: int) -> tuple[Json, Json]:
    """Seconds of both sides; the side that goes first changes from pair to pair."""
    order = (0, 1) if number % 2 == 0 else (1, 0)
    seconds = {which: runs.ask(pythons[which], code, WORKLOAD, source) for which in order}
    return seconds[0], seconds[1]


def changes(source: str, measured: Sequence[tuple[Json, Json]]) -> list[Json]:
    """Changes for the steps of one source, from seconds by step, before and after."""
    ratios = {step: [after[step] / before[step] for before, after in measured] for step in measured[0][0]}
    results = []
    for step, each in ratios.items():
        value, low, high = interval(each)
        words = f"{step} takes {wording.number(value)} times as long [{wording.number(low)}, {wording.number(high)}]"
        now = {"ratio": value, "interval": [low, high], "pairs": len(each)}
        kind = kinds.NOTE
        if abs(value - 1) > EFFECT and (low > 1 or high < 1):
            kind = "metric" if value > 1 else "metric improved"
        results.append(kinds.change(kind, {"subject": source}, f"{words}, over {len(each)} pairs.", {}, now))
    return results


def interval(ratios: Sequence[float]) -> tuple[float, float, float]:
    """Geometric mean of paired ratios with its 95% bootstrap interval; deterministic."""
    logs = [math.log(ratio) for ratio in ratios]
    draw = random.Random(0)
    means = sorted(sum(draw.choices(logs, k=len(logs))) / len(logs) for _ in range(RESAMPLES))
    low, high = means[int(0.025 * RESAMPLES)], means[int(0.975 * RESAMPLES) - 1]
    return math.exp(sum(logs) / len(logs)), math.exp(low), math.exp(high)
