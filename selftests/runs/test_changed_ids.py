"""Ids that change from one run to the next are reported against a baseline: scripts, lines, and the rule."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures.session.options import SUITES
from reports.baseline import file as baseline_file
from reports.records import sequences
from selftests.gallery.edits.files import digits_one_by_one, edit_tokenizer, set_keys
from selftests.gallery.harness import copy
from selftests.gallery.registry import CHAT
from selftests.processes.pytest_run import QUIET, Finished, run_pytest
from suites.tokenizers.measures.test_corpus_ids import NAME

CHECK = SUITES / "tokenizers" / "measures" / "test_corpus_ids.py"
ANOTHER_CORPUS = "from fixtures.inputs import tokenizer_corpus\ntokenizer_corpus.version = lambda: 'another'\n"


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a subject and its baseline."""
    directory = tmp_path_factory.mktemp("stable")
    subject = copy(CHAT, directory / "subject")
    run(subject, directory / "before", f"--save-baseline={directory / 'baseline.json'}")
    return directory


@pytest.fixture
def subject(healthy: Path) -> Any:
    """The subject, put back after the test has changed it."""
    directory = healthy / "subject"
    contents = {path: path.read_bytes() for path in directory.iterdir() if path.is_file()}
    yield directory
    for path, content in contents.items():
        path.write_bytes(content)


def run(subject: Path, report: Path, *options: str, env: dict[str, str] | None = None) -> Finished:
    return run_pytest(*QUIET, str(CHECK), f"--model={subject}", *options, report=report, env=env or {})


def compared(subject: Path, report: Path, env: dict[str, str] | None = None) -> Finished:
    """A run against the subject's baseline."""
    return run(subject, report, f"--baseline={subject.parent / 'baseline.json'}", *(["-pchanged"] * bool(env)), env=env)


def about_ids(done: Finished) -> dict[str, Any]:
    """The one regression of the ids."""
    found = [change for change in done.verdict["regressions"] if change["kind"] == sequences.CHANGED]
    assert len(found) == 1, done.output
    return dict(found[0])


def test_an_unchanged_subject_has_no_regression(subject: Path, tmp_path: Path) -> None:
    done = compared(subject, tmp_path / "report")
    assert done.verdict["regressions"] == []
    assert done.code == 0, done.output


def test_a_changed_pre_tokenizer_is_named_with_scripts_and_lines(subject: Path, tmp_path: Path) -> None:
    """The summary names the number of changed lines, the scripts with most of them, the rule, and the first line."""
    digits_one_by_one(subject)
    done = compared(subject, tmp_path / "report")
    change = about_ids(done)
    assert done.code == 1
    assert change["check"] == "tokenizers/corpus-ids"
    assert "digits" in change["summary"]
    assert "changed as well: pre_tokenizer" in change["summary"]
    assert "greek" not in change["after"]["changed"]
    assert list(change["before"]["rules"]) == ["pre_tokenizer"]
    lines = [name for name in change["before"] if "/" in name]
    assert 0 < len(lines) <= sequences.SHOWN
    first = lines[0]
    assert change["before"][first]["text"].startswith("'")
    assert change["before"][first] != change["after"][first]
    assert "since the baseline" in done.output.lower()


def test_another_class_is_named(subject: Path, tmp_path: Path) -> None:
    """transformers 5: GPT2Tokenizer replaces the pre-tokenizer of the file by its own."""
    set_keys(subject / "tokenizer_config.json", tokenizer_class="GPT2Tokenizer")
    change = about_ids(compared(subject, tmp_path / "report"))
    assert "class" in change["summary"]
    assert "pre_tokenizer" in change["summary"]
    assert change["after"]["rules"]["class"] == "GPT2Tokenizer"


def test_a_merge_less_is_named(subject: Path, tmp_path: Path) -> None:
    edit_tokenizer(subject, lambda data: data["model"]["merges"].pop(0))
    change = about_ids(compared(subject, tmp_path / "report"))
    assert list(change["before"]["rules"]) == ["model"]


def test_another_corpus_is_not_comparable(subject: Path, tmp_path: Path) -> None:
    """Never unchanged, and never a list of changed ids."""
    (tmp_path / "changed.py").write_text(ANOTHER_CORPUS)
    done = compared(subject, tmp_path / "report", env={"PYTHONPATH": f"{tmp_path}:{SUITES.parent}"})
    assert [change["kind"] for change in done.verdict["regressions"]] == ["not comparable"]
    assert "another" in done.verdict["regressions"][0]["summary"]


def rewritten(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Changes a baseline, checksum included."""
    content = baseline_file.load(path)
    change(content)
    path.write_text(baseline_file.text_of(content), encoding="utf-8")


def test_a_baseline_without_ids_says_so(healthy: Path, tmp_path: Path) -> None:
    """One of an older version is still read; nothing became worse."""
    old = tmp_path / "old.json"
    old.write_bytes((healthy / "baseline.json").read_bytes())
    rewritten(old, lambda content: content["checks"][0].pop("sequences"))
    done = run(healthy / "subject", tmp_path / "report", f"--baseline={old}")
    assert [change["kind"] for change in done.verdict["regressions"]] == ["note"]
    assert "save it again" in done.verdict["regressions"][0]["summary"]
    assert done.code == 0


def test_the_ids_take_little_space(healthy: Path) -> None:
    """Below 25 kB in a baseline; texts are in the records only, and neither is in the page."""
    [entry] = baseline_file.load(healthy / "baseline.json")["checks"]
    packed = entry["sequences"][NAME]["packed"]
    assert len(packed) < 25_000
    assert "texts" not in entry["sequences"][NAME]
    assert packed[:60] not in (healthy / "before" / "report.html").read_text(encoding="utf-8")
    assert packed[:60] in (healthy / "before" / "records.jsonl").read_text(encoding="utf-8")
