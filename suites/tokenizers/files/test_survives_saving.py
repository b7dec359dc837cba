from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Hazard, Record
from suites.tokenizers.files.reloading import load_from
from suites.tokenizers.files.snapshot import change_clause, change_evidence, first_change, replaced_components, snapshot
from suites.tokenizers.files.tokenizer_json import read_section


@uses("sharing")
def test_survives_saving(subject: Subject, tokenizer: Any, record: Record) -> None:
    """Saving with save_pretrained and loading again changes no ids, special tokens, chat template or lengths.

    Why: every fine-tune saves its tokenizer with the weights, and changes are noticed only when it is served. The
        subject itself may be right, so this is a hazard.
    Fix: Copy the original tokenizer files next to the weights instead of saving, or let the class save what is lost.
    Source: https://github.com/huggingface/transformers/issues/26773;
        https://github.com/huggingface/transformers/issues/28164;
        https://github.com/huggingface/transformers/issues/24441
    """
    before = snapshot(tokenizer)
    pad(tokenizer)
    with tempfile.TemporaryDirectory() as directory:
        reloaded = save_and_load(subject, tokenizer, Path(directory))
        if (file := Path(directory) / "tokenizer.json").is_file():
            saved = read_section(file, "padding") is not None
            record.capability("tokenizer.padding_saved", "in tokenizer.json" if saved else "not saved")
    compare(before, snapshot(reloaded), reloaded, replaced_components(reloaded, tokenizer))


def pad(tokenizer: Any) -> None:
    """Calls the tokenizer with padding, which stays in the backend and is saved, too."""
    if tokenizer.pad_token is not None:
        tokenizer(["one", "one two three"], padding=True)


def save_and_load(subject: Subject, tokenizer: Any, directory: Path) -> Any:
    """Saves the tokenizer and loads the saved copy."""
    __tracebackhide__ = True
    try:
        tokenizer.save_pretrained(directory)
    except Exception as error:
        raise Hazard(f"save_pretrained fails: {type(error).__name__}: {error}.", evidence={}) from None
    if subject.has("config.json"):  # it decides the class
        (directory / "config.json").write_bytes((subject.path / "config.json").read_bytes())
    return load_from(directory, subject, failure="The tokenizer that save_pretrained writes does not load:")


def compare(before: dict[str, Any], after: dict[str, Any], tokenizer: Any, cause: str) -> None:
    __tracebackhide__ = True
    if difference := first_change(before, after):
        part, name = difference
        what = change_clause(part, name, before[part].get(name), after[part].get(name))
        evidence = change_evidence(before, after, part, name, tokenizer)
        raise Hazard(f"After save_pretrained and loading again, {what}{cause}.", evidence=evidence)
