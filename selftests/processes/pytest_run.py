"""Running the real suite in a pytest process of its own, as a user does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixtures.session.options import SUITES

ROOT = SUITES.parent
QUIET = ("-q", "-p", "no:cacheprovider")


@dataclass(frozen=True)
class Finished:
    """A pytest process that came to its end."""

    code: int
    output: str
    """Standard output and standard error."""
    report: Path

    @property
    def verdict(self) -> dict[str, Any]:
        path = self.report / "verdict.json"
        assert path.is_file(), f"no verdict (exit status {self.code}):\n{self.output[-6000:]}"
        return dict(json.loads(path.read_text(encoding="utf-8")))

    def subject(self, name: str) -> dict[str, Any]:
        found = (entry for entry in self.verdict["subjects"] if entry["subject"]["name"] == name)
        return next(found, {})


def run_pytest(
    *arguments: str | Path, report: Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None
) -> Finished:
    """`python -m pytest ARGUMENTS`, offline."""
    command = [sys.executable, "-m", "pytest", f"--report-dir={report}", *map(str, arguments)]
    done = subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        errors="replace",
        env=environment() | dict(env or {}),
        timeout=900,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return Finished(done.returncode, done.stdout + done.stderr, report)


def sea_trial(subjects: Iterable[Path | str], report: Path, *options: str) -> dict[str, Any]:
    """`verdict.json` of the suite's run on these subjects."""
    return run_pytest(*QUIET, *options, *(f"--model={subject}" for subject in subjects), report=report).verdict


def environment() -> dict[str, str]:
    """The environment of a user, also where these tests run in a worker of pytest-xdist."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "GITHUB_"))}
    return ours | {"HF_HUB_OFFLINE": "1", "CI": "true", "OMP_WAIT_POLICY": "PASSIVE"}
