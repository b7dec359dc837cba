"""Python processes of their own, run in the repository, and work that the workers of one run share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.builtin import cache
from selftests.processes.pytest_run import ROOT


def python(code: str, **environment: str | Path) -> subprocess.Popen[str]:
    """A Python process of its own that runs `code` in the repository."""
    variables = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", **{key: str(value) for key, value in environment.items()}}
    command = [sys.executable, "-c", code]
    return subprocess.Popen(command, cwd=ROOT, env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[str]) -> str:
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return output


def shared(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A directory that `make` fills once in a run, however many workers of pytest-xdist ask for it."""
    base = factory.getbasetemp()
    run = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    return cache.build_once(run / name, name, make)
