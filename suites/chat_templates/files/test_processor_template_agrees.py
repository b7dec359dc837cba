from __future__ import annotations

from pathlib import Path
from typing import Any

from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.templates.stored import DEFAULT, by_name
from suites.chat_templates.evidence import common_prefix, shown
from suites.chat_templates.files.stored_templates import first_difference, loaded_templates
from suites.findings import Defect, Hazard, NotApplicable, Record


@needs("template_files")
@uses("chat", "serving")
def test_processor_template_agrees(processor_files: Path, tokenizer: Any, record: Record) -> None:
    """The chat template of a model's processor renders text like that of its tokenizer.

    Why: some servers use the processor and others the tokenizer, and library versions differ in which of
        chat_template.json, processor_config.json and chat_template.jinja the processor reads.
    Fix: Keep the template only in chat_template.jinja, which both read.
    Source: https://github.com/huggingface/transformers/pull/33957;
        https://github.com/huggingface/transformers/pull/36588
    """
    of_processor, of_tokenizer = processors(processor_files), loaded_templates(tokenizer)
    has = {"processor": bool(of_processor), "tokenizer": bool(of_tokenizer)}
    holders = " and ".join(name for name, there in has.items() if there) or "none"
    record.capability("chat.template_loaded_by", holders)
    shared = sorted(of_processor.keys() & of_tokenizer.keys())
    if not shared:
        raise NotApplicable(f"a template is loaded by {holders}")
    for name in shared:
        agree(tokenizer, name, of_processor[name], of_tokenizer[name])


def processors(directory: Path) -> dict[str, str]:
    """The templates that a processor loads from the directory, found without creating the processor."""
    __tracebackhide__ = True
    from transformers.processing_utils import ProcessorMixin

    try:
        found = ProcessorMixin.get_processor_dict(str(directory), local_files_only=True)[0]
    except (ValueError, OSError, KeyError, TypeError) as error:
        summary = f"The processor cannot read its chat template: {str(error).split('. ')[0].rstrip('.')}."
        evidence = {"failure": f"{type(error).__name__}: {error}"}
        raise Defect(summary, evidence=evidence, uses=("chat",)) from None
    return by_name(found.get("chat_template"))


def agree(tokenizer: Any, name: str, one: str, other: str) -> None:
    __tracebackhide__ = True
    if one == other or (difference := first_difference(tokenizer, one, other)) is None:
        return
    conversation, left, right = difference
    start = max(0, len(common_prefix(left, right)) - 40)
    raise Hazard(
        f"The processor and the tokenizer render {conversation} differently"
        f"{f' with the template {name}' if name != DEFAULT else ''}: they read their templates from different files.",
        uses=("serving",),
        evidence={"processor": shown(left[start:], limit=300), "tokenizer": shown(right[start:], limit=300)},
    )
