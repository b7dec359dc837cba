"""The suite on one side: a pytest process of the side's environment, with the same code and the same options."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from reports.upgrade import environments
from reports.upgrade.pins import ROOT

ROOMS = ("fixtures", "suites", "reports")
INTERRUPTED = 2


class CannotRun(ValueError):
    """A side that left no records, in one sentence."""


def snapshot(place: Path) -> Path:
    """A copy of the suite, so that both sides run the same code, also when somebody edits it meanwhile."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, place / room, ignore=shutil.ignore_patterns("__pycache__", "runs"))
    return place


def trial(python: Path, suite: Path, report: Path, options: Sequence[str]) -> int:
    """Runs the checks and writes the report directory; returns pytest's exit status.

    Raises:
        CannotRun: the run was interrupted, or nothing was written.
    """
    (report / "records.jsonl").unlink(missing_ok=True)
    plugins = ["-p", "fixtures.plugin", "-p", "reports.plugin", "-p", "no:cacheprovider", "-p", "no:anyio"]
    command = [
        str(python),
        "-P",
        "-m",
        "pytest",
        *plugins,
        "-q",
        f"--report-dir={report}",
        *options,
        str(suite / "suites"),
    ]
    done = subprocess.run(command, env=environment(suite), check=False, stdin=subprocess.DEVNULL)
    if done.returncode == INTERRUPTED:
        raise CannotRun(f"the run into {report} was interrupted")
    if not (report / "records.jsonl").is_file():
        raise CannotRun(f"the run into {report} left no records (pytest's exit status {done.returncode})")
    return done.returncode


def environment(suite: Path) -> dict[str, str]:
    """Of this process, with our copy of the suite before everything else, and without a shift of chance."""
    return environments.clean(os.environ) | {
        "PYTHONPATH": str(suite), "PYTHONSAFEPATH": "1", "PYTHONHASHSEED": "0", "CI": os.environ.get("CI", "true"),
        "TOKENIZERS_PARALLELISM": "false",
    }  # fmt: skip
