"""The helpers that read what a tokenizer's files say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from fixtures.subjects.subject import Subject
from suites.findings import Defect
from suites.tokenizers.files.class_overrides import settings
from suites.tokenizers.files.declared_tokens import config_ids, named_tokens, template_ids
from suites.tokenizers.files.snapshot import change_clause, first_change
from suites.tokenizers.files.test_no_truncation_or_padding_left import as_declared, check_first_call
from suites.tokenizers.files.tokenizer_json import TokenizerFile, read_section

CUT = {"max_length": 128, "direction": "Right"}


class Files:
    """A subject that is nothing but JSON files."""

    def __init__(self, **files: Any):
        self.files = files

    def json(self, name: str) -> dict[str, Any]:
        return dict(self.files.get(name.removesuffix(".json"), {}))


def files(**content: Any) -> Subject:
    return cast(Subject, Files(**content))


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_section_is_read_without_the_model(tmp_path: Path, separators: tuple[str, str], indent: int | None) -> None:
    path = tmp_path / "tokenizer.json"
    content = {"padding": None, "added_tokens": [{"id": 1, "content": 'a"model"'}], "model": {"vocab": {"padding": 1}}}
    path.write_text(json.dumps(content, separators=separators, indent=indent), encoding="utf-8")
    assert read_section(path, "added_tokens") == content["added_tokens"]
    assert read_section(path, "padding") is None
    assert read_section(path, "truncation") is None


def test_a_section_after_the_model_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps({"model": {"vocab": {}}, "padding": {"length": 3}}), encoding="utf-8")
    assert read_section(path, "padding") == {"length": 3}


def test_a_section_of_a_broken_file_is_none(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text('{"added_tokens": [', encoding="utf-8")
    assert read_section(path, "added_tokens") is None


def test_post_processors_state_ids() -> None:
    bert = {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}
    template = {"type": "TemplateProcessing", "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}
    both = {"type": "Sequence", "processors": [{"type": "ByteLevel"}, template, bert]}
    assert dict(template_ids(both)) == {"<s>": 1, "[SEP]": 3, "[CLS]": 2}
    assert list(template_ids(None)) == []


def test_ids_of_configs_may_be_lists_absent_or_inside() -> None:
    config = {"eos_token_id": [1, 106], "pad_token_id": -1, "bos_token_id": None, "text_config": {"bos_token_id": 2}}
    assert config_ids(files(config=config), "config.json") == {"bos_token_id": [2], "eos_token_id": [1, 106]}


def test_names_may_be_strings_or_objects() -> None:
    settings_file = {"bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": False}, "pad_token": None}
    subject = files(tokenizer_config=settings_file)
    assert named_tokens(subject, "tokenizer_config.json") == {"bos": "<s>", "eos": "</s>"}


def test_a_cut_is_declared_only_at_the_length_of_sentence_transformers() -> None:
    file = TokenizerFile(None, CUT, None)
    assert as_declared(file, {"sentence_bert_config.json": 128})
    assert not as_declared(file, {"sentence_bert_config.json": 256})
    assert not as_declared(file, {"tokenizer_config.json": 128})
    assert as_declared(TokenizerFile(None, None, {"length": None}), {})
    assert not as_declared(TokenizerFile(None, None, {"length": 128}), {})


@pytest.mark.parametrize(("ids", "why"), [([1] * 128, "cut at 128"), ([1] * 200, "padded")])
def test_a_wrapper_that_cuts_or_pads_is_a_defect(ids: list[int], why: str) -> None:
    def call(texts: Any) -> Any:
        one = {"input_ids": ids, "attention_mask": [0, *[1] * (len(ids) - 1)]}
        return {"input_ids": [ids, ids]} if isinstance(texts, list) else one

    with pytest.raises(Defect, match=why):
        check_first_call(call, {"truncation": CUT})


def test_the_first_difference_is_reported() -> None:
    before: dict[str, dict[str, Any]] = {"added tokens": {"<s>": (1, {"lstrip": False})}, "ids": {"a": [1]}}
    after: dict[str, dict[str, Any]] = {"added tokens": {"<s>": (2, {"lstrip": False})}, "ids": {"a": [2]}}
    assert first_change(before, before) is None
    assert first_change(before, after) == ("added tokens", "<s>")
    assert change_clause("added tokens", "<s>", (1, {}), (2, {})) == "the added token <s> has id 2 instead of 1"
    assert change_clause("added tokens", "<s>", None, (2, {})) == "the added token <s> is new"


def test_settings_are_leaves_by_path() -> None:
    nested = {"type": "Sequence", "steps": [{"a": 1}, {"b": None}]}
    assert settings(nested) == {"type": "Sequence", "steps.0.a": 1, "steps.1.b": None}
