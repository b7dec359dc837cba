"""What a subject is, told from its files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fixtures.checkpoint import traits
from fixtures.files import fingerprint, source, weights
from fixtures.files.source import SourceError
from selftests.gallery.edits import edit_json, set_keys
from selftests.gallery.harness import copy
from selftests.gallery.registry import CHAT

BUILTINS = ("smollm2", "minilm")


def parse(text: str) -> source.Source:
    return source.parse(text, builtins=BUILTINS)


def test_sources(tmp_path: Path) -> None:
    assert parse(str(tmp_path)).kind == "directory"
    assert parse("./missing").kind == "directory"
    assert parse("builtin:minilm") == source.Source("builtin:minilm", "builtin", "minilm")
    assert parse("org/name").kind == "hub"
    assert (parse("org/name@v1.0").value, parse("org/name@v1.0").revision) == ("org/name", "v1.0")


def test_an_existing_directory_wins_over_a_hub_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "org" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert parse("org/name").kind == "directory"


def test_names_are_as_short_as_they_can_be() -> None:
    sources = [parse(text) for text in ("/a/run1/model", "/a/run2/model", "/b/other", "org/name")]
    assert source.unique_names(sources) == ["run1/model", "run2/model", "other", "org/name"]


def test_a_name_cannot_command_the_terminal() -> None:
    assert source.unique_names([parse("/a/evil\n\x1b[31m")]) == ["evil\\n\\x1b[31m"]


def test_the_same_directory_twice_is_refused() -> None:
    with pytest.raises(SourceError, match="given twice"):
        source.unique_names([parse("/a/b"), parse("/a/./b")])


def test_the_fingerprint_follows_names_and_contents_of_what_matters(tmp_path: Path) -> None:
    subject = copy(CHAT, tmp_path / "model")
    first = fingerprint.fingerprint(subject)
    (subject / "README.md").write_text("changed", encoding="utf-8")
    (subject / ".cache").mkdir()
    (subject / ".cache" / "x.json").write_text("{}", encoding="utf-8")
    assert fingerprint.fingerprint(subject) == first
    set_keys(subject / "config.json", rope_theta=1.0)
    second = fingerprint.fingerprint(subject)
    (subject / "tokenizer.json").rename(subject / "tokenizer-2.json")
    assert len({first, second, fingerprint.fingerprint(subject)}) == 3


def test_a_tokenizer_alone_is_a_subject(tmp_path: Path) -> None:
    subject = copy(CHAT, tmp_path / "model")
    for name in ("config.json", "generation_config.json", "model.safetensors"):
        (subject / name).unlink()
    found = traits.inspect(subject)
    assert (found.has_tokenizer, found.has_chat_template, found.has_weights) == (True, True, False)
    assert found.problems == ()


def test_weights_are_tried_also_where_the_config_names_no_class(tmp_path: Path) -> None:
    """Otherwise a model could be adopted whose weights nobody has loaded."""
    subject = copy(CHAT, tmp_path / "model")
    edit_json(subject / "config.json", lambda data: data.pop("architectures"))
    found = traits.inspect(subject)
    assert (found.architecture, found.has_weights, found.problems) == (None, True, ())


def test_weights_without_a_config_are_a_problem(tmp_path: Path) -> None:
    subject = copy(CHAT, tmp_path / "model")
    (subject / "config.json").unlink()
    assert "config.json is missing" in traits.inspect(subject).problems[0].summary


def test_pickles_are_a_problem_unless_allowed(tmp_path: Path) -> None:
    subject = copy(CHAT, tmp_path / "model")
    (subject / "model.safetensors").rename(subject / "pytorch_model.bin")
    assert [problem.file for problem in traits.inspect(subject).problems] == ["pytorch_model.bin"]
    assert traits.inspect(subject, allow_pickle=True).problems == ()


def test_a_shard_outside_of_the_directory_is_not_read(tmp_path: Path) -> None:
    """An index can name any path; what lies elsewhere is not part of the subject."""
    subject = copy(CHAT, tmp_path / "model")
    (subject / "model.safetensors").rename(tmp_path / "elsewhere.safetensors")
    index = {"weight_map": {"lm_head.weight": "../elsewhere.safetensors"}}
    (subject / weights.INDEX).write_text(json.dumps(index), encoding="utf-8")
    problems = traits.inspect(subject).problems
    assert "outside of the directory" in problems[0].summary
