"""With many subjects, each of them stays with one xdist worker."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import pytest

from selftests.processes.pytest_run import run_pytest

pytest.importorskip("xdist")

from fixtures.session import xdist_scheduling

SEEN = re.compile(r"\[(gw\d)\].* (?:PASSED|DEFECT|HAZARD|UNSUPPORTED) .*\[(\w+)\]")


@pytest.mark.parametrize(
    ("nodeid", "subject"),
    [
        ("suites/a/test_b.py::test_b[one]", "one"),
        ("suites/a/test_b.py::test_b[one-two]", "one-two"),
        ("suites/a/test_b.py::test_b[one-bf16-text-generation]", "one"),
        ("suites/a/test_b.py::test_b[arc-one]", "one"),
        ("suites/a/test_b.py::test_b[\\xfcber]", "über"),
        ("tests/test_mine.py::test_mine", "tests/test_mine.py::test_mine"),
    ],
)
def test_finds_the_subject_of_a_check(nodeid: str, subject: str) -> None:
    assert scheduling(["one", "two", "one-two", "über"], workers=1)._split_scope(nodeid) == subject


@pytest.mark.parametrize(("subjects", "dist"), [(7, "load"), (9, "worksteal"), (9, "loadfile")])
def test_leaves_few_subjects_and_what_was_asked_for_to_xdist(subjects: int, dist: str) -> None:
    assert scheduler([str(number) for number in range(subjects)], workers=2, dist=dist) is None


def test_a_subject_stays_with_one_worker(tmp_path: Path) -> None:
    names = ["one", "two", "three", "four", "five", "six", "seven", "eight"]
    for name in names:
        (tmp_path / f"{name}.jinja").write_text(f"{name}{{% for m in messages %}}{{{{ m.content }}}}{{% endfor %}}")
    models = [f"--model={tmp_path / name}.jinja" for name in names]
    ran = run_pytest(*models, "-n2", "-v", "-k", "safety or files", report=tmp_path / "report")
    assert "warnings summary" not in ran.output
    workers = defaultdict(set)
    for worker, name in SEEN.findall(ran.output):
        workers[name].add(worker)
    assert {name: len(found) for name, found in workers.items()} == dict.fromkeys(names, 1)
    assert len(set().union(*workers.values())) == 2
    assert [ran.subject(name)["verdict"] for name in names] == ["partial"] * 8


def scheduling(names: list[str], workers: int) -> xdist_scheduling.BySubject:
    found = scheduler(names, workers)
    assert found
    return found


def scheduler(names: list[str], workers: int, dist: str = "load") -> xdist_scheduling.BySubject | None:
    options = {"dist": dist, "tx": ["popen"] * workers, "loadscopereorder": False}
    config = SimpleNamespace(getoption=options.get, getvalue=options.get, option=SimpleNamespace(**options))
    return xdist_scheduling.scheduler(config, None, names, workers)
