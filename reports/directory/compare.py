"""Comparison of two runs on the command line: its lines, its report, and its exit code."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from reports import wording
from reports.baseline import file as baseline_file
from reports.baseline import kinds, validation
from reports.directory import merge, report_directory
from reports.records import schema
from reports.records.run_records import RunRecords
from reports.records.to_json import Json

UNCHANGED, REGRESSED, INCOMPARABLE = 0, 1, 2
"""Exit codes."""


def compare(before: Path, after: Path, *, allow: bool = False) -> list[Json]:
    """Returns the changes between two sides, each a report directory or a baseline."""
    now = _loaded(after) if after.is_dir() else baseline_file.load(after)
    return baseline_file.compare(_content(before), now, allow=allow)


def _content(path: Path) -> Json:
    """The content of a baseline, or of a report directory as a baseline."""
    return baseline_file.snapshot(_loaded(path)) if path.is_dir() else baseline_file.load(path)


def _loaded(directory: Path) -> RunRecords:
    """The records of a directory, valid for a comparison."""
    records = report_directory.load(directory)
    if problem := validation.problem_in(baseline_file.snapshot(records)):
        raise ValueError(f"{directory / report_directory.RECORDS} was not written by seatrial: {problem}.")
    return records


def exit_code(changes: Sequence[Json]) -> int:
    """0 if nothing is worse, 1 if something is, 2 if the two cannot be compared."""
    if not kinds.comparable(changes):
        return INCOMPARABLE
    return REGRESSED if kinds.worse(changes) else UNCHANGED


def lines(changes: Sequence[Json]) -> Iterator[str]:
    """One line for each change, then the counts."""
    for each in changes:
        where = kinds.location(each)
        yield f"{each['kind']}: {where + ': ' if where else ''}{wording.line(each['summary'])}"
    worse = kinds.worse(changes)
    others = [each for each in changes if each not in worse]
    if not kinds.comparable(changes):
        yield "The two cannot be compared; --allow-mismatch compares them anyway, and says how they differ."
    else:
        yield f"For the worse: {kinds.counted(worse)}." if worse else "Nothing became worse."
        if others:
            yield f"Other changes: {kinds.counted(others)}."


def write(directory: Path, records: RunRecords, changes: Sequence[Json], *, before: str) -> Json:
    """Writes the report of the later run with the changes first; returns the verdict."""
    options = records.run.options | {"baseline": before}
    compared = dataclasses.replace(records, run=dataclasses.replace(records.run, options=options))
    writer = schema.Writer(directory / report_directory.RECORDS)
    for record in merge.stream(compared):
        writer.write(record)
    writer.close()
    return report_directory.write(directory, compared, changes)
