"""The changes of an upgrade as tables for documents: `python -m reports.upgrade.table OUT` prints Markdown.

A change of several subjects is one row. Speeds of single runs are left out.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from reports import wording
from reports.baseline import kinds
from reports.directory import report_directory
from reports.output import markdown
from reports.records.to_json import Json

LONGEST = 400
SPEED = re.compile(r"_speed went from|times as long \[")
HEADINGS = {True: "For the worse", False: "Other changes"}


def render(changes: Sequence[Json]) -> str:
    """A table of the changes for the worse, and one of the others."""
    return "\n\n".join(block for worse in HEADINGS for block in _blocks(worse, changes)) + "\n"


def _blocks(worse: bool, changes: Sequence[Json]) -> Iterator[str]:
    chosen = [each for each in changes if (each in kinds.worse([each])) is worse and not SPEED.search(each["summary"])]
    if chosen:
        yield f"### {HEADINGS[worse]}"
        rows = [_row(*each) for each in _merged(chosen).items()]
        yield "\n".join(["| kind | check | subjects | what changed |", "| --- | --- | --- | --- |", *rows])


def _merged(changes: Sequence[Json]) -> dict[tuple[str, str, str], list[str]]:
    """Subjects by kind, check and summary."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for each in changes:
        check = each.get("check") or (f"{len(each['checks'])} checks" if each.get("checks") else "")
        subjects = rows.setdefault((each["kind"], check, each["summary"]), [])
        if each.get("subject") and each["subject"] not in subjects:
            subjects.append(each["subject"])
    return rows


def _row(change: tuple[str, str, str], subjects: Sequence[str]) -> str:
    kind, check, summary = change
    names = ", ".join(name.removeprefix("builtin:") for name in subjects)
    cells = [_cell(each) for each in (kind, check, names, wording.line(summary, LONGEST))]
    return f"| {' | '.join(cells)} |"


def _cell(words: str) -> str:
    return markdown.escaped(words, LONGEST) if words else ""


if __name__ == "__main__":
    print(render(report_directory.regressions(Path(sys.argv[1]))), end="")
