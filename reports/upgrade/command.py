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
from reports.records.schema import Json, Trial
from reports.upgrade import environments, libraries, runs, timings
from reports.upgrade.pins import ROOT, Side

BEFORE, AFTER = "before", "after"
"""Folders of the two sides' own reports."""
MORE = "beside.json"
"""Changes that come from neither: facts of the libraries, and timings."""


def run(arguments: argparse.Namespace) -> int:
    """Exit code 0 when nothing became worse, 1 when something did, 2 when the two cannot be compared."""
    sides = [Side.of(arguments.before), Side.of(arguments.after)]
    _refuse(sides)
    if arguments.timings and not arguments.keep:
        timings.refuse_few(arguments.timings)
    place = Path(arguments.output or _directory(sides))
    if not arguments.keep:
        options = [*(f"--model={source}" for source in arguments.model), *arguments.pytest]
        _run(sides, place, options, arguments)
    found = kinds.ordered([*compare.compare(place / BEFORE, place / AFTER), *_more(place)])
    _write(place, sides, found)
    for line in compare.lines(found):
        print(line)
    print(place / report_directory.HTML)
    return compare.exit_code(found)


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


def _directory(sides: Sequence[Side]) -> Path:
    words = "-to-".join("-".join(f"{name}-{version}" for name, version in side.pins) for side in sides)
    return Path("reports", "runs", f"{datetime.now():%Y%m%d-%H%M%S}-upgrade-{words}-{os.getpid()}")


def _run(sides: Sequence[Side], place: Path, options: Sequence[str], arguments: argparse.Namespace) -> None:
    """Both environments first, so that what cannot be installed is told before anything is tried."""
    pythons = [environments.python(side, _say) for side in sides]
    with tempfile.TemporaryDirectory(prefix="seatrial-") as folder:
        suite = runs.snapshot(Path(folder).resolve())
        for name, side, python in zip((BEFORE, AFTER), sides, pythons, strict=True):
            _say(f"Running the suite with {side}.")
            runs.trial(python, suite, place / name, options)
            _point_at_the_project(place / name / report_directory.RECORDS, suite)
        more = libraries.compared(pythons, suite)
        if arguments.timings:
            more += timings.compared(pythons, suite, arguments.model, arguments.timings, _say)
        atomic_write.replace(place / MORE, to_json.dumps(more, indent=1) + "\n")


def _more(place: Path) -> list[Json]:
    """What was found out beside the two runs: facts of the libraries, and timings."""
    path = place / MORE
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else []


def _point_at_the_project(path: Path, suite: Path) -> None:
    """Commands that reproduce a finding name the copy of the suite, which is gone afterwards."""
    atomic_write.replace(path, path.read_text(encoding="utf-8").replace(f"{suite}{os.sep}", f"{ROOT}{os.sep}"))


def _write(place: Path, sides: Sequence[Side], found: Sequence[Json]) -> None:
    trial = report_directory.load(place / AFTER)
    compare.write(place, _told(trial, sides), found, before=str(sides[0]))


def _told(trial: Trial, sides: Sequence[Side]) -> Trial:
    """The later run, as a part of the check."""
    words = [word for word in sys.argv[1:] if word != "upgrade"]
    command = f"python -m reports upgrade {shlex.join(words)}"
    environment = trial.run.environment | {"upgrade": f"{sides[0]} → {sides[1]}"}
    return dataclasses.replace(trial, run=dataclasses.replace(trial.run, command=command, environment=environment))


def _say(line: str) -> None:
    print(line, flush=True)
