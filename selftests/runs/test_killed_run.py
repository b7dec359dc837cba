"""A run that is killed half-way leaves a report directory that can still be read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from selftests.gallery.harness import copy
from selftests.gallery.registry import CHAT
from selftests.processes.pytest_run import ROOT, environment

SLOW = "import time\n\ndef pytest_runtest_teardown():\n    time.sleep(0.4)\n"


SWALLOWS = """
import time

def pytest_runtest_teardown(item):
    try:
        time.sleep(0.4)
    except KeyboardInterrupt:
        pass
"""


def records(report: Path) -> list[str]:
    path = report / "records.jsonl"
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def stopped_run(tmp_path: Path, number: signal.Signals, plugin: str = SLOW) -> Path:
    """A report directory whose run got a signal after a few checks."""
    report = tmp_path / "report"
    (tmp_path / "slow_teardown.py").write_text(plugin, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "slow_teardown", f"--report-dir={report}"]
    command.append(f"--model={copy(CHAT, tmp_path / 'model')}")
    env = environment() | {"PYTHONPATH": str(tmp_path)}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        deadline = time.monotonic() + 120
        while sum('"kind": "check"' in line for line in records(report)) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(run.pid, number)
    assert run.returncode != 0
    return report


def subject(report: Path) -> dict[str, Any]:
    return dict(json.loads((report / "verdict.json").read_text(encoding="utf-8"))["subjects"][0])


def test_a_killed_run_leaves_a_report_and_its_records_make_a_better_one(tmp_path: Path) -> None:
    report = stopped_run(tmp_path, signal.SIGKILL)
    assert subject(report)["verdict"] == "inconclusive"
    assert (report / "report.html").is_file()
    with (report / "records.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"kind": "check", "check": "tokenizers/rou')
    rebuild = [sys.executable, "-m", "reports", "html", str(report)]
    done = subprocess.run(rebuild, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert subject(report)["verdict"] == "inconclusive"
    assert any("cut short" in reason for reason in subject(report)["reasons"])
    assert any("left no result" in reason for reason in subject(report)["reasons"])
    assert subject(report)["counts"]["pass"] >= 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_asked_to_stop_writes_its_report(tmp_path: Path, number: signal.Signals) -> None:
    report = stopped_run(tmp_path, number)
    assert subject(report)["verdict"] == "inconclusive"
    assert subject(report)["counts"]["pass"] >= 3
    assert any("interrupted" in reason for reason in subject(report)["reasons"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_library_that_swallows_the_interrupt_does_not_keep_the_run_going(
    tmp_path: Path, number: signal.Signals
) -> None:
    report = stopped_run(tmp_path, number, plugin=SWALLOWS)
    assert any("interrupted" in reason for reason in subject(report)["reasons"])
