from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from fixtures.subjects.subject import Subject
from suites.findings import Hazard, Record
from suites.tokenizers.files.reloading import load_from
from suites.tokenizers.files.snapshot import change_clause, change_evidence, first_change, replaced_components, snapshot
from suites.tokenizers.files.tokenizer_json import read_section


def test_survives_saving(subject: Subject, tokenizer: Any, record: Record) -> None:
    """save_pretrained and loading again give the same ids, special tokens, chat template and lengths.

    Why: every fine-tune saves its tokenizer beside the weights; what changes there nobody sees until it is served.
        The subject as it is may be right, so what saving breaks is a hazard.
    Fix: Copy the original tokenizer files beside the weights instead of saving, or correct what the class does not
        write.
    Source: https://github.com/huggingface/transformers/issues/26773;
        https://github.com/huggingface/transformers/issues/28164;
        https://github.com/huggingface/transformers/issues/24441
    """
    before = snapshot(tokenizer)
    pad(tokenizer)
    with tempfile.TemporaryDirectory() as directory:
        reloaded = again(subject, tokenizer, Path(directory))
        if (file := Path(directory) / "tokenizer.json").is_file():
            kept = read_section(file, "padding") is not None
            record.capability("tokenizer.padding_saved", "in tokenizer.json" if kept else "not saved")
    same(before, snapshot(reloaded), reloaded, replaced_components(reloaded, tokenizer))


def pad(tokenizer: Any) -> None:
    """The call that leaves padding in the backend: on all versions so far it is saved, too."""
    if tokenizer.pad_token is not None:
        tokenizer(["one", "one two three"], padding=True)


def again(subject: Subject, tokenizer: Any, directory: Path) -> Any:
    """Saves the tokenizer and loads it from there."""
    __tracebackhide__ = True
    try:
        tokenizer.save_pretrained(directory)
    except Exception as error:
        raise Hazard(f"save_pretrained fails: {type(error).__name__}: {error}.", evidence={}) from None
    if subject.has("config.json"):  # as in a checkpoint: it decides the class
        (directory / "config.json").write_bytes((subject.path / "config.json").read_bytes())
    return load_from(directory, subject, otherwise="What save_pretrained writes does not load:")


def same(before: dict[str, Any], after: dict[str, Any], tokenizer: Any, cause: str) -> None:
    __tracebackhide__ = True
    if difference := first_change(before, after):
        part, name = difference
        what = change_clause(part, name, before[part].get(name), after[part].get(name))
        evidence = change_evidence(before, after, part, name, tokenizer)
        raise Hazard(f"After save_pretrained and loading again {what}{cause}.", evidence=evidence)
