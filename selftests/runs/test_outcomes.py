"""Findings, errors and checks that could not run are distinguished, each with its consequence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reports.run.observer import classify, first_line
from selftests.gallery.harness import copy
from selftests.gallery.registry import CHAT
from selftests.processes.pytest_run import QUIET, Finished, run_pytest
from suites.findings import Defect, Hazard, Unsupported

Run = Callable[..., Finished]


@pytest.fixture
def run_with(tmp_path: Path) -> Run:
    """Runs the suite on a healthy model with a plugin that makes something fail."""

    def run(plugin: str, *options: str) -> Finished:
        (tmp_path / "saboteur.py").write_text(plugin, encoding="utf-8")
        model = f"--model={copy(CHAT, tmp_path / 'model')}"
        env = {"PYTHONPATH": str(tmp_path)}
        return run_pytest(*QUIET, "-p", "saboteur", model, *options, report=tmp_path / "report", env=env)

    return run


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Defect("d"), "defect"),
        (Hazard("h"), "hazard"),
        (Unsupported("u"), "unsupported"),
        (AssertionError("plain assert"), "error"),
        (pytest.skip.Exception("no package"), "unsupported"),
        (MemoryError(), "error"),
        (RuntimeError("CUDA error: device-side assert triggered"), "error"),
        (KeyError("x"), "error"),
        (pytest.fail.Exception("Timeout (>1.0s) from pytest-timeout."), "error"),
    ],
)
def test_classification(error: BaseException, outcome: str) -> None:
    assert classify(error) == outcome


def test_the_first_line_of_an_error_names_its_type() -> None:
    assert first_line(RuntimeError("out of\nmemory")) == "RuntimeError: out of"
    assert first_line(AssertionError("said so")) == "AssertionError: said so"
    assert first_line(MemoryError()) == "MemoryError"


def test_out_of_memory_is_an_error_and_no_defect(run_with: Run) -> None:
    done = run_with(
        "from fixtures.models import loading\n"
        "def full(subject, variant): raise MemoryError('cannot allocate 80 GB')\n"
        "loading.load_model = full\n"
    )
    entry = done.subject("model")
    assert (done.code, entry["verdict"]) == (1, "inconclusive")
    assert entry["counts"]["defect"] == 0
    assert entry["counts"]["error"] > 0
    assert any("cannot allocate 80 GB" in reason for reason in entry["reasons"])
    assert entry["counts"]["pass"] > 10, "what needs no weights still ran"


def test_a_model_beyond_the_memory_budget_is_not_adopted(run_with: Run) -> None:
    """Checks of its files passed, but it was never loaded."""
    done = run_with("", "suites/integrity", "--memory-budget=0.000001")
    entry = done.subject("model")
    assert (done.code, entry["verdict"]) == (1, "inconclusive")
    assert entry["counts"]["pass"] > 0


def test_a_missing_package_is_unsupported(run_with: Run) -> None:
    done = run_with(
        "from fixtures.models import loading\n"
        "from fixtures.files.problems import CannotRunHere\n"
        "def missing(subject): raise CannotRunHere('the tokenizer needs a package that is not installed: blobfile')\n"
        "loading.load_tokenizer = missing\n"
    )
    entry = done.subject("model")
    assert entry["verdict"] == "inconclusive", "whole suites could not run"
    assert entry["counts"]["unsupported"] > 10
    assert any("blobfile" in reason for reason in entry["reasons"])


def test_a_check_that_hangs_ends_as_an_error(run_with: Run) -> None:
    pytest.importorskip("pytest_timeout")
    done = run_with(
        "import time\nfrom suites.integrity.weights import test_weights_finite\n"
        "def hang(subject):\n    while True: time.sleep(0.1)\n"
        "test_weights_finite._not_finite = hang\n",
        "--timeout=3",
    )
    entry = done.subject("model")
    assert (entry["verdict"], entry["counts"]["error"]) == ("inconclusive", 1)
    assert "Timeout" in " ".join(entry["reasons"])


def test_a_crashed_worker_is_an_error_of_its_check(run_with: Run) -> None:
    """xdist replaces the worker; the other checks run."""
    pytest.importorskip("xdist")
    done = run_with(
        "import os, signal\nfrom suites.integrity.weights import test_weights_finite\n"
        "def crash(subject): os.kill(os.getpid(), signal.SIGSEGV)\n"
        "test_weights_finite._not_finite = crash\n",
        "-n1",
    )
    entry = done.subject("model")
    assert (done.code, entry["verdict"], entry["counts"]["error"]) == (1, "inconclusive", 1)
    assert any("integrity/weights-finite" in reason for reason in entry["reasons"])
    assert entry["counts"]["pass"] > 15


def test_on_an_accelerator_every_check_belongs_to_the_gpu_run(run_with: Run) -> None:
    """The same code on the CPU, with PyTorch's answer replaced: `-m gpu` is the whole trial."""
    plugin = "from fixtures.machine import machine\nmachine.accelerator = lambda: 'cpu'\n"
    marked = run_with(plugin, "-m", "gpu")
    entry = marked.subject("model")
    assert marked.code == 0, marked.output
    assert entry["counts"]["pass"] > 20


def test_a_test_that_is_no_check_still_fails_the_run(tmp_path: Path) -> None:
    other = tmp_path / "test_other.py"
    other.write_text("def test_it():\n    assert False\n", encoding="utf-8")
    model = f"--model={copy(CHAT, tmp_path / 'model')}"
    done = run_pytest(*QUIET, "suites/integrity", other, model, report=tmp_path / "report")
    assert done.subject("model")["verdict"] == "partial"
    assert done.code == 1
