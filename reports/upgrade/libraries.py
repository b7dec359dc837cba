"""Facts of the libraries on both sides of an upgrade, for any model (`fixtures.upgrade.library_facts`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from reports import wording
from reports.baseline import kinds
from reports.records.to_json import Json
from reports.upgrade import runs

SHOWN = 16
"""Names that are listed of one fact."""
FACTS = "fixtures.upgrade.library_facts"


def compared(pythons: Sequence[Path], code: Path) -> list[Json]:
    """One note for each fact that differs; a change of the library is no regression of a subject."""
    before, after = (runs.ask(python, code, FACTS) for python in pythons)
    return list(changes(before, after))


def changes(before: Json, after: Json) -> Iterator[Json]:
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
