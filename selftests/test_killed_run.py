"""A run that is killed half-way leaves a report directory that can still be read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from selftests.gallery.harness import copy
from selftests.gallery.registry import CHAT
from selftests.running import ROOT, environment

SLOW = "import time\n\ndef pytest_runtest_teardown():\n    time.sleep(0.4)\n"


def records(report: Path) -> list[str]:
    path = report / "records.jsonl"
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def killed_run(tmp_path: Path) -> Path:
    """A report directory whose run was killed after a few checks."""
    report = tmp_path / "report"
    (tmp_path / "slow_teardown.py").write_text(SLOW, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "slow_teardown", f"--report-dir={report}"]
    command.append(f"--model={copy(CHAT, tmp_path / 'model')}")
    env = environment() | {"PYTHONPATH": str(tmp_path)}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        deadline = time.monotonic() + 120
        while sum('"kind": "check"' in line for line in records(report)) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(run.pid, signal.SIGKILL)
    return report


def test_the_report_is_rebuilt_from_the_records(tmp_path: Path) -> None:
    report = killed_run(tmp_path)
    assert not (report / "verdict.json").exists()
    with (report / "records.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"kind": "check", "check": "tokenizers/rou')
    rebuild = [sys.executable, "-m", "reports", "html", str(report)]
    done = subprocess.run(rebuild, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    verdict = json.loads((report / "verdict.json").read_text(encoding="utf-8"))
    subject = verdict["subjects"][0]
    assert subject["verdict"] == "inconclusive"
    assert any("cut short" in reason for reason in subject["reasons"])
    assert subject["counts"]["pass"] >= 3
    assert (report / "report.html").stat().st_size > 1000
