"""`--lm-eval-tasks`: tasks of one's own run offline on the loaded model, and their numbers stand in the report."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from fixtures import builtin
from fixtures.session.options import LmEval
from selftests.gallery.edits.files import edit_weights
from selftests.gallery.harness import copy
from selftests.gallery.registry import CHAT
from selftests.processes.pytest_run import QUIET, run_pytest
from suites.findings import Limit, Missing
from suites.quality.lm_eval import harness

TASK = """
task: sea-marks
dataset_path: json
dataset_kwargs: {data_files: {test: DATA}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_target: "{{answer}}"
doc_to_choice: "{{choices}}"
metric_list: [{metric: acc}, {metric: brier_score, higher_is_better: false}]
metadata: {version: 1.0}
"""
DOCUMENTS = [
    {"question": "A red buoy is", "choices": ["red", "blue"], "answer": 0},
    {"question": "The sea is", "choices": ["dry", "wet"], "answer": 1},
    {"question": "Two and two are", "choices": ["four", "nine"], "answer": 0},
    {"question": "Ships float on", "choices": ["air", "water"], "answer": 1},
]
installed = pytest.mark.skipif(not harness.installed(), reason="the extra lm-eval is not installed")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with one task in lm-eval's format, and its data."""
    data = tmp_path / "tasks" / "documents.jsonl"
    data.parent.mkdir()
    data.write_text("\n".join(map(json.dumps, DOCUMENTS)), encoding="utf-8")
    (data.parent / "sea.yaml").write_text(TASK.replace("DATA", str(data)), encoding="utf-8")
    return data.parent


def options(folder: Path, *more: str) -> list[str]:
    return [*QUIET, "--lm-eval-tasks", "sea-marks", f"--lm-eval-include={folder}", "suites/quality/lm_eval", *more]


@installed
def test_results_are_metrics_and_a_broken_model_is_reported(folder: Path, tmp_path: Path) -> None:
    """A policy's bound counts; a model whose likelihoods are NaN is not just a model with a low score."""

    def broken(tensors: dict[str, Any]) -> dict[str, Any]:
        tensors["model.norm.weight"][0] = float("nan")
        return tensors

    healthy, sick = copy(CHAT, tmp_path / "healthy"), copy(CHAT, tmp_path / "sick")
    edit_weights(sick, broken)
    policy = tmp_path / "policy.toml"
    policy.write_text(
        '[[bounds]]\nmetric = "quality.lm_eval.sea_marks.acc"\nmin = 2.0\nreason = "nobody can."\n',
        encoding="utf-8",
    )
    env = {"HF_HOME": str(tmp_path / "home")}
    done = run_pytest(
        *options(folder, f"--model={healthy}", f"--model={sick}", f"--policy={policy}"),
        report=tmp_path / "report",
        env=env,
    )
    found = {Path(entry["subject"]["source"]).name: entry for entry in done.verdict["subjects"]}
    metrics = {each["name"].rpartition(".")[2]: each for each in found["healthy"]["metrics"]}
    assert metrics["acc"]["samples"] == len(DOCUMENTS)
    assert metrics["acc"]["unit"] == "share"
    low, high = metrics["acc"]["interval"]
    assert 0 <= low <= metrics["acc"]["value"] <= high <= 1
    assert metrics["brier_score"]["better"] == "lower"
    assert "nobody can" in " ".join(found["healthy"]["reasons"])
    (finding,) = found["sick"]["findings"]
    assert finding["severity"] == "defect"
    assert finding["summary"].startswith(f"{2 * len(DOCUMENTS)} of {2 * len(DOCUMENTS)} log-likelihoods")
    assert f"--lm-eval-include {folder}" in finding["reproduce"]


def test_without_the_option_there_is_no_such_check(tmp_path: Path) -> None:
    done = run_pytest(*QUIET, "--collect-only", "suites/quality", f"--model=builtin:{CHAT}", report=tmp_path / "report")
    assert "standard_tasks" not in done.output


def test_the_package_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    monkeypatch.setitem(sys.modules, "lm_eval.evaluator", None)
    with pytest.raises(Missing, match="needs the package lm-eval") as caught:
        harness.evaluated(None, None, "gsm8k", LmEval(("gsm8k",), None, (), False))
    assert caught.value.settled_by == "pip install 'seatrial[lm-eval]'"


@installed
def test_what_cannot_run_is_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown task, a directory that is not there, data out of reach."""
    every = harness._tasks((folder,), ("sea-marks",))
    monkeypatch.setattr(harness, "_every_task", lambda folders: every)
    with pytest.raises(Limit, match="has no task nothing"):
        harness._tasks((), ("nothing",))
    with pytest.raises(Limit, match="no such directory"):
        harness._tasks((folder / "nowhere",), ("sea-marks",))
    monkeypatch.setattr(harness, "_of_loaded", lambda model, tokenizer: _raise(ConnectionError("the Hub is far\nmore")))
    with pytest.raises(Missing, match=r"the data of sea-marks cannot be loaded: the Hub is far$"):
        harness.evaluated(None, None, "sea-marks", LmEval(("sea-marks",), 1, (folder,), False))


def _raise(failure: Exception) -> None:
    raise failure


@installed
def test_weights_are_not_loaded_twice(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Through the chat template, two documents: the same model object answers."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path = builtin.directory(CHAT)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(path).eval(), AutoTokenizer.from_pretrained(path)
    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", lambda *options: _raise(AssertionError("again")))
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    asked = LmEval(("sea-marks",), 2, (folder,), True)
    found = harness.evaluated(model, tokenizer, "sea-marks", asked)
    assert [score.documents for score in harness.scores(found, "sea-marks")] == [2, 2]
    assert "<|im_start|>" in str(found["samples"]["sea-marks"][0]["arguments"])
    assert harness.setup(found, "sea-marks", asked).startswith("the first 2 documents, 0 examples")


def test_groups_have_one_score_and_tags_one_for_each_member() -> None:
    results = {
        "both": {"acc,none": 0.5, "acc_stderr,none": 0.1, "alias": "both"},
        "one": {"acc,none": 0.25},
        "two": {"exact_match,strict-match": 0.75, "exact_match_stderr,strict-match": "N/A"},
    }
    found = {
        "results": results,
        "higher_is_better": {},
        "n-samples": {"one": {"effective": 3}, "two": {"effective": 4}},
        "group_subtasks": {"both": ["one", "two"], "one": [], "two": []},
    }
    (whole,) = harness.scores(found, "both")
    assert (whole.metric, whole.documents, whole.error) == ("acc", 7, 0.1)
    by_tag = {score.metric: score for score in harness.scores(found | {"results": {"two": results["two"]}}, "tag")}
    assert (by_tag["two.exact_match.strict_match"].documents, by_tag["two.exact_match.strict_match"].error) == (4, None)
