"""A regression of each kind, put into the files of a tiny subject, is reported; equal files give none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures.session.options import SUITES
from reports.baseline import file as baseline_file
from reports.baseline import kinds
from reports.directory import report_directory
from reports.records.to_json import Json
from selftests.gallery.edits.files import digits_one_by_one, edit_json, edit_template, set_keys
from selftests.gallery.harness import copy
from selftests.gallery.registry import CHAT, CLASSIFIER
from selftests.processes.pytest_run import QUIET, run_pytest

CHECKS = (
    "tokenizers/measures/test_corpus_ids.py",
    "chat_templates/text/test_renders_kept.py",
    "chat_templates/text/test_capabilities.py",
    "generation/vital_signs/test_answers_kept.py",
    "pipelines/every_task/test_outputs_kept.py",
)
SYSTEM = "{{- text(messages[0].content) -}}"
PROMPT = "{%- if add_generation_prompt -%}\n    {{- '<|im_start|>assistant\\n' -}}"


def unchanged(subject: Path) -> None:
    """The same files again."""


def another_rope_theta(subject: Path) -> None:
    set_keys(subject / "config.json", rope_theta=500.0)


def another_prompt(subject: Path) -> None:
    edit_template(subject, PROMPT, PROMPT.replace("assistant\\n", "assistant\\n\\n"))


def system_dropped(subject: Path) -> None:
    edit_template(subject, SYSTEM, "")


def labels_swapped(subject: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["id2label"] = dict(zip(data["id2label"], reversed(list(data["id2label"].values())), strict=True))
        data["label2id"] = {label: int(number) for number, label in data["id2label"].items()}

    edit_json(subject / "config.json", change)


INJECTED: dict[str, tuple[str, Callable[[Path], None]]] = {
    "same-chat": (CHAT, unchanged),
    "same-classifier": (CLASSIFIER, unchanged),
    "pre-tokenizer": (CHAT, digits_one_by_one),
    "rope": (CHAT, another_rope_theta),
    "template": (CHAT, another_prompt),
    "capability": (CHAT, system_dropped),
    "labels": (CLASSIFIER, labels_swapped),
}
"""Name to what it is made of and how."""


def baseline_of(directory: Path, subjects: list[Path]) -> Json:
    """The content of a baseline of one real run over the subjects."""
    done = run_pytest(
        *QUIET, *(str(SUITES / check) for check in CHECKS), *(f"--model={each}" for each in subjects),
        f"--save-baseline={directory}/baseline.txt", report=directory,
    )  # fmt: skip
    assert (directory / report_directory.RECORDS).is_file(), done.output
    return baseline_file.load(directory / "baseline.txt")


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> tuple[Json, Json]:
    """Two processes: one over the healthy subjects, one over everything that is made of them."""
    directory = tmp_path_factory.mktemp("injected")
    healthy = [copy(name, directory / name) for name in (CHAT, CLASSIFIER)]
    made = []
    for name, (base, change) in INJECTED.items():
        made.append(copy(base, directory / name))
        change(made[-1])
    return baseline_of(directory / "before", healthy), baseline_of(directory / "after", made)


def of(content: Json, name: str) -> Json:
    """The part of a content about one subject, under the name `it`."""
    checks = [entry | {"subject": "it"} for entry in content["checks"] if entry["subject"] == name]
    assert checks
    return content | {"subjects": {"it": content["subjects"][name]}, "checks": checks}


def regressions(sides: tuple[Json, Json], name: str) -> dict[str, Json]:
    """The changes for the worse by kind."""
    found = baseline_file.compare(of(sides[0], INJECTED[name][0]), of(sides[1], name))
    return {change["kind"]: change for change in kinds.worse(found)}


@pytest.mark.parametrize("name", ["same-chat", "same-classifier"])
def test_the_same_files_in_another_process_show_no_change(sides: tuple[Json, Json], name: str) -> None:
    """Not even a note: ids, renders, greedy answers and outputs are the same from process to process."""
    assert baseline_file.compare(of(sides[0], INJECTED[name][0]), of(sides[1], name)) == []


def test_a_changed_pre_tokenizer_is_reported_by_rule_and_texts(sides: tuple[Json, Json]) -> None:
    change = regressions(sides, "pre-tokenizer")["sequences"]
    assert "changed as well: pre_tokenizer" in change["summary"]
    assert "digits" in change["summary"]


def test_a_changed_rope_theta_is_reported_by_the_answers(sides: tuple[Json, Json]) -> None:
    """The weights are the same and nothing raises: only the answers and config.json changed."""
    change = regressions(sides, "rope")["answers"]
    assert "Greedy answers changed" in change["summary"]
    assert "from new token" in change["summary"]
    found = baseline_file.compare(of(sides[0], CHAT), of(sides[1], "rope"))
    assert any("changed config.json" in each["summary"] for each in found)


def test_a_changed_template_is_reported_with_the_difference(sides: tuple[Json, Json]) -> None:
    change = regressions(sides, "template")["renders"]
    assert "Renders of the catalogue changed in" in change["summary"]
    assert "to be answered" in json.dumps(change["before"])
    assert "+" in change["after"]["diff"]


def test_a_lost_capability_is_reported_by_its_name(sides: tuple[Json, Json]) -> None:
    change = regressions(sides, "capability")["capability lost"]
    assert "System message (chat.system_role) was supported, is dropped" in change["summary"]


def test_swapped_labels_are_reported_by_the_answers(sides: tuple[Json, Json]) -> None:
    change = regressions(sides, "labels")["outputs"]
    assert "NEGATIVE" in change["summary"]
    assert "POSITIVE" in change["summary"]
