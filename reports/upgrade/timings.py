"""Timings of two sides: pairs of processes, one of each side in changing order, and the ratio with its interval.

Never an absolute number: what else the machine does meets both sides of a pair alike. The workload is
`python -m fixtures.upgrade.workload SOURCE`, which prints CPU seconds by step.
"""

from __future__ import annotations

import json
import math
import random
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from reports import wording
from reports.baseline import kinds
from reports.records.schema import Json
from reports.upgrade import runs

RESAMPLES = 2000
EFFECT = 0.1
"""Smallest change of a ratio that is told: a tenth, beside an interval that leaves out 1."""
FEWEST = 5
"""Pairs below which an interval of resampled pairs says nothing."""


def compared(
    pythons: Sequence[Path], suite: Path, sources: Sequence[str], pairs: int, say: Callable[[str], None]
) -> list[Json]:
    """One change for each step of each source that became slower or faster, and a note with all ratios."""
    refuse_few(pairs)
    found = []
    for source in sources or ["builtin:tiny-text-generation"]:
        say(f"Timing {source}: {pairs} pairs of processes.")
        measured = [_pair(pythons, suite, source, number) for number in range(pairs)]
        found += told(source, measured)
    return found


def refuse_few(pairs: int) -> None:
    if pairs < FEWEST:
        raise ValueError(f"--timings {pairs}: fewer than {FEWEST} pairs give no interval")


def _pair(pythons: Sequence[Path], suite: Path, source: str, number: int) -> tuple[Json, Json]:
    """Both sides once; which goes first changes from pair to pair."""
    order = (0, 1) if number % 2 == 0 else (1, 0)
    seconds = {which: _seconds(pythons[which], suite, source) for which in order}
    return seconds[0], seconds[1]


def _seconds(python: Path, suite: Path, source: str) -> Json:
    command = [str(python), "-P", "-m", "fixtures.upgrade.workload", source]
    done = subprocess.run(
        command, env=runs.environment(suite), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ValueError(f"the workload of {source} could not be timed: {last}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def told(source: str, measured: Sequence[tuple[Json, Json]]) -> list[Json]:
    """Changes for the steps of one source, from seconds by step, before and after."""
    ratios = {step: [after[step] / before[step] for before, after in measured] for step in measured[0][0]}
    found = []
    for step, each in ratios.items():
        value, low, high = interval(each)
        words = f"{step} takes {wording.number(value)} times as long [{wording.number(low)}, {wording.number(high)}]"
        now = {"ratio": value, "interval": [low, high], "pairs": len(each)}
        kind = kinds.NOTE
        if abs(value - 1) > EFFECT and (low > 1 or high < 1):
            kind = "metric" if value > 1 else "metric improved"
        found.append(kinds.change(kind, {"subject": source}, f"{words}, over {len(each)} pairs.", {}, now))
    return found


def interval(ratios: Sequence[float]) -> tuple[float, float, float]:
    """Geometric mean of paired ratios with its 95% bootstrap interval, the same for the same ratios."""
    logs = [math.log(ratio) for ratio in ratios]
    draw = random.Random(0)
    means = sorted(sum(draw.choices(logs, k=len(logs))) / len(logs) for _ in range(RESAMPLES))
    low, high = means[int(0.025 * RESAMPLES)], means[int(0.975 * RESAMPLES) - 1]
    return math.exp(sum(logs) / len(logs)), math.exp(low), math.exp(high)
