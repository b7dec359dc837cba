"""What the library does with any model, on both sides: `python -m fixtures.upgrade.library_facts` finds it out."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from reports import wording
from reports.baseline import kinds
from reports.records.schema import Json
from reports.upgrade import runs

SHOWN = 16
"""Names that are told of a list."""


def compared(pythons: Sequence[Path], suite: Path) -> list[Json]:
    """One note for each fact that differs; they are changes of the library, and no regression of a subject."""
    before, after = (_facts(python, suite) for python in pythons)
    return list(told(before, after))


def _facts(python: Path, suite: Path) -> Json:
    command = [str(python), "-P", "-m", "fixtures.upgrade.library_facts"]
    done = subprocess.run(
        command, env=runs.environment(suite), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ValueError(f"the facts of the library could not be found out: {last}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def told(before: Json, after: Json) -> Iterator[Json]:
    """Notes, from facts by name."""
    for name in (each for each in before if each in after):
        was, now = before[name], after[name]
        if was == now:
            continue
        if isinstance(was, list):
            sides = {"gone": sorted({*was} - {*now})}, {"new": sorted({*now} - {*was})}
            words = [f"{word} {wording.names(each[word], SHOWN)}" for each in sides for word in each if each[word]]
            yield kinds.change(kinds.NOTE, {}, f"The library, {name}: {'; '.join(words)}.", *sides)
        else:
            sides = {name: was}, {name: now}
            yield kinds.change(kinds.NOTE, {}, f"The library, {name}: was {was}, is {now}.", *sides)
