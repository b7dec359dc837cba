"""Two runs held against each other on the command line: what is printed, what is written, and the exit code."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from reports import wording
from reports.baseline import file, kinds, validation
from reports.directory import merge, report_directory
from reports.records import schema
from reports.records.schema import Json, Trial

UNCHANGED, REGRESSED, INCOMPARABLE = 0, 1, 2
"""Exit codes."""


def side(path: Path) -> Json:
    """The content of a report directory or of a saved baseline."""
    return file.snapshot(_loaded(path)) if path.is_dir() else file.load(path)


def _loaded(place: Path) -> Trial:
    """The trial of a directory whose records can be compared."""
    trial = report_directory.load(place)
    if wrong := validation.mistake(file.snapshot(trial)):
        raise ValueError(f"{place / report_directory.RECORDS} was not written by seatrial: {wrong}.")
    return trial


def compare(before: Path, after: Path, *, allow: bool = False) -> list[Json]:
    """What changed from one to the other, each a report directory or a baseline."""
    return file.compare(side(before), _loaded(after) if after.is_dir() else side(after), allow=allow)


def exit_code(found: Sequence[Json]) -> int:
    """0 nothing is worse, 1 something is, 2 the two cannot be compared."""
    if not kinds.comparable(found):
        return INCOMPARABLE
    return REGRESSED if kinds.worse(found) else UNCHANGED


def lines(found: Sequence[Json]) -> Iterator[str]:
    """One line for each change, and at the end what it comes to."""
    for each in found:
        where = kinds.place(each)
        yield f"{each['kind']}: {where + ': ' if where else ''}{wording.line(each['summary'])}"
    worse = kinds.worse(found)
    others = [each for each in found if each not in worse]
    if not kinds.comparable(found):
        yield "The two cannot be compared; --allow-mismatch compares them anyway, and says how they differ."
    else:
        yield f"For the worse: {kinds.counted(worse)}." if worse else "Nothing became worse."
        if others:
            yield f"Besides: {kinds.counted(others)}."


def write(place: Path, trial: Trial, found: Sequence[Json], *, before: str) -> Json:
    """A report directory of the later run with the changes first; returns the verdict."""
    options = trial.run.options | {"baseline": before}
    whole = dataclasses.replace(trial, run=dataclasses.replace(trial.run, options=options))
    writer = schema.Writer(place / report_directory.RECORDS)
    for record in merge.stream(whole):
        writer.write(record)
    writer.close()
    return report_directory.write(place, whole, found)
