"""`python -m reports upgrade`: two environments, two runs, one comparison."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shlex
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from reports.baseline import kinds
from reports.directory import compare, report_directory
from reports.records import atomic_write, to_json
from reports.records.run_records import RunRecords
from reports.records.to_json import Json
from reports.upgrade import environments, libraries, runs, timings
from reports.upgrade.pins import ROOT, Side

BEFORE, AFTER = "before", "after"
"""Folders of the two sides' own reports."""
LIBRARIES, OLD_NAME = "libraries.json", "beside.json"
"""File with the changes of the libraries themselves, and the timings."""


def run(arguments: argparse.Namespace) -> int:
    """Returns exit code 0 if nothing became worse, 1 if something did, 2 if the two cannot be compared."""
    sides = [Side.of(arguments.before), Side.of(arguments.after)]
    _refuse(sides)
    if arguments.timings and not arguments.keep:
        timings.refuse_few(arguments.timings)
    directory = Path(arguments.output or _new_directory(sides))
    if not arguments.keep:
        options = [*(f"--model={source}" for source in arguments.model), *arguments.pytest]
        _run(sides, directory, options, arguments)
    changes = kinds.ordered([*compare.compare(directory / BEFORE, directory / AFTER), *_library_changes(directory)])
    _write(directory, sides, changes)
    for line in compare.lines(changes):
        print(line)
    print(directory / report_directory.HTML)
    return compare.exit_code(changes)


def _refuse(sides: Sequence[Side]) -> None:
    if sides[0] == sides[1]:
        raise ValueError(f"--from and --to are the same: {sides[0]}")
    for option, side in zip(("--from", "--to"), sides, strict=True):
        names = [name for name, _ in side.pins]
        if not names:
            raise ValueError(f"{option} names no pin; write name==version, for example transformers==5.23.0")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{option} pins {', '.join(twice)} twice")
    only = {name for name, _ in sides[0].pins} ^ {name for name, _ in sides[1].pins}
    if only:
        raise ValueError(f"--from and --to must pin the same packages; on one side only: {', '.join(sorted(only))}")


def _new_directory(sides: Sequence[Side]) -> Path:
    words = "-to-".join("-".join(f"{name}-{version}" for name, version in side.pins) for side in sides)
    return Path("reports", "runs", f"{datetime.now():%Y%m%d-%H%M%S}-upgrade-{words}-{os.getpid()}")


def _run(sides: Sequence[Side], directory: Path, options: Sequence[str], arguments: argparse.Namespace) -> None:
    """Builds both environments first, so that a failed installation is reported before anything runs."""
    pythons = [environments.python(side, _say) for side in sides]
    with tempfile.TemporaryDirectory(prefix="seatrial-") as folder:
        code = runs.snapshot(Path(folder).resolve())
        for name, side, python in zip((BEFORE, AFTER), sides, pythons, strict=True):
            _say(f"Running the suites with {side}.")
            runs.run_checks(python, code, directory / name, options)
            _point_at_the_project(directory / name / report_directory.RECORDS, code)
        changes = libraries.compared(pythons, code)
        if arguments.timings:
            changes += timings.compared(pythons, code, arguments.model, arguments.timings, _say)
        atomic_write.replace(directory / LIBRARIES, to_json.dumps(changes, indent=1) + "\n")


def _library_changes(directory: Path) -> list[Json]:
    """The changes of the libraries themselves, and the timings."""
    paths = [path for name in (LIBRARIES, OLD_NAME) if (path := directory / name).is_file()]
    return list(json.loads(paths[0].read_text(encoding="utf-8"))) if paths else []


def _point_at_the_project(path: Path, code: Path) -> None:
    """Points reproduce commands at the project: they name the copy of the code, which is deleted afterwards."""
    atomic_write.replace(path, path.read_text(encoding="utf-8").replace(f"{code}{os.sep}", f"{ROOT}{os.sep}"))


def _write(directory: Path, sides: Sequence[Side], changes: Sequence[Json]) -> None:
    records = report_directory.load(directory / AFTER)
    compare.write(directory, _as_upgrade(records, sides), changes, before=str(sides[0]))


def _as_upgrade(records: RunRecords, sides: Sequence[Side]) -> RunRecords:
    """The records of the later run with command and environment of the upgrade check."""
    words = [word for word in sys.argv[1:] if word != "upgrade"]
    command = f"python -m reports upgrade {shlex.join(words)}"
    environment = records.run.environment | {"upgrade": f"{sides[0]} → {sides[1]}"}
    return dataclasses.replace(records, run=dataclasses.replace(records.run, command=command, environment=environment))


def _say(line: str) -> None:
    print(line, flush=True)
