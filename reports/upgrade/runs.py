"""Processes of one side of an upgrade: its environment, the same code and the same options on both sides."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from reports.records.to_json import Json
from reports.upgrade import environments
from reports.upgrade.pins import ROOT

PACKAGES = ("fixtures", "suites", "reports")
INTERRUPTED = 2


class CannotRun(ValueError):
    """A side that left no records, in one sentence."""


def snapshot(directory: Path) -> Path:
    """Copies the code, so that both sides run the same even if it is edited meanwhile."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, directory / package, ignore=shutil.ignore_patterns("__pycache__", "runs"))
    return directory


def run_checks(python: Path, code: Path, report: Path, options: Sequence[str]) -> int:
    """Runs the checks and writes the report directory; returns pytest's exit status.

    Raises:
        CannotRun: the run was interrupted, or nothing was written.
    """
    (report / "records.jsonl").unlink(missing_ok=True)
    plugins = ["-p", "fixtures.plugin", "-p", "reports.plugin", "-p", "no:cacheprovider", "-p", "no:anyio"]
    words = ["-m", "pytest", *plugins, "-q", f"--report-dir={report}", *options, str(code / "suites")]
    done = subprocess.run([str(python), "-P", *words], env=environment(code), check=False, stdin=subprocess.DEVNULL)
    if done.returncode == INTERRUPTED:
        raise CannotRun(f"the run into {report} was interrupted")
    if not (report / "records.jsonl").is_file():
        raise CannotRun(f"the run into {report} left no records (pytest's exit status {done.returncode})")
    return done.returncode


def ask(python: Path, code: Path, module: str, *arguments: str) -> Json:
    """Runs a module that prints a JSON object as its last line; returns the object.

    Raises:
        ValueError: the process failed; holds the last line of its errors.
    """
    command = [str(python), "-P", "-m", module, *arguments]
    done = subprocess.run(
        command, env=environment(code), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ValueError(f"{' '.join([module, *arguments])} failed: {last}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def environment(code: Path) -> dict[str, str]:
    """The variables of this process, with our copy of the code first on the path, and a fixed hash seed."""
    return environments.clean(os.environ) | {
        "PYTHONPATH": str(code),
        "PYTHONSAFEPATH": "1",
        "PYTHONHASHSEED": "0",
        "CI": os.environ.get("CI", "true"),
        "TOKENIZERS_PARALLELISM": "false",
    }
