from __future__ import annotations

from typing import Any

from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.templates.stored import (
    DEFAULT,
    JINJA,
    NAMED,
    OF_TOKENIZERS,
    StoredTemplate,
    in_tokenizer_files,
    stored_templates,
)
from suites.chat_templates.evidence import common_prefix, shown
from suites.chat_templates.files.stored_templates import first_difference, loaded_templates, renders_itself
from suites.findings import Defect, Hazard, NotApplicable, Record

CONFIG_ONLY = "text-generation-inference and other programs that read only tokenizer_config.json"


@needs("template_files")
@uses("chat", "serving")
def test_template_copies_agree(subject: Subject, tokenizer: Any, record: Record) -> None:
    """Copies of a chat template in several files are equal, and the tokenizer reads at least one of them.

    Why: chat_template.jinja takes precedence over tokenizer_config.json, but some servers read only the latter; after
        an edit of one file, two servers silently prompt the same model differently.
    Fix: Keep one copy, or write the same text to all; programs that read only tokenizer_config.json need it there.
    Source: https://github.com/huggingface/transformers/pull/33957;
        https://github.com/huggingface/text-generation-inference/issues/3247;
        https://github.com/microsoft/onnxruntime-extensions/pull/968
    """
    loaded, copies = loaded_templates(tokenizer), in_tokenizer_files(subject.path)
    if not loaded:
        return check_unread(subject, tokenizer, record)
    files = {
        name: next((each.file for each in copies if (each.name, each.text) == (name, text)), OF_TOKENIZERS)
        for name, text in loaded.items()
    }
    record_file(record, files, copies)
    for copy in copies:
        if copy.name in loaded and copy.text != loaded[copy.name]:
            agree(tokenizer, StoredTemplate(files[copy.name], copy.name, loaded[copy.name]), copy)
    return None


def record_file(record: Record, loaded_from: dict[str, str], copies: list[StoredTemplate]) -> None:
    """Records the file of the default template, and the programs that do not read it."""
    files = sorted({each.file for each in copies if each.name == DEFAULT})
    missing = CONFIG_ONLY if OF_TOKENIZERS not in files else None
    record.capability(
        "chat.template_file",
        loaded_from.get(DEFAULT, next(iter(loaded_from.values()))),
        evidence={"files": files, "not seen by": missing},
    )


def agree(tokenizer: Any, used: StoredTemplate, copy: StoredTemplate) -> None:
    """Raises Hazard if two copies render a conversation differently; texts may differ otherwise."""
    __tracebackhide__ = True
    difference = first_difference(tokenizer, used.text, copy.text)
    if difference is None:
        return
    conversation, one, other = difference
    start = max(0, len(common_prefix(one, other)) - 40)
    seen = CONFIG_ONLY if copy.file == OF_TOKENIZERS else "other programs"
    raise Hazard(
        f"{used.file} and {copy.file} contain different templates"
        f"{f' called {copy.name}' if copy.name != DEFAULT else ''}: the tokenizer uses the former, {seen} "
        "use the latter.",
        evidence={
            "conversation": conversation,
            used.file: shown(one[start:], limit=300),
            copy.file: shown(other[start:], limit=300),
        },
        uses=("serving",),
        fix=f"Delete the template from {copy.file}, or replace it by that of {used.file}.",
    )


def check_unread(subject: Subject, tokenizer: Any, record: Record) -> None:
    """Raises Defect if files have a template that neither the tokenizer nor a processor reads."""
    __tracebackhide__ = True
    files = sorted({each.file for each in stored_templates(subject.path)})
    if renders_itself(tokenizer):
        record.capability("chat.template_file", f"none, {type(tokenizer).__name__} renders by itself")
        raise NotApplicable(f"{type(tokenizer).__name__} renders by itself and reads no template")
    if subject.traits.has_processor:
        record.capability("chat.template_file", f"{' and '.join(files)}, for the processor only")
        raise NotApplicable("the template is for the processor only")
    raise Defect(
        f"The tokenizer has no chat template: only processors read {' and '.join(files) or 'the file with it'}, and "
        "this model has no processor.",
        evidence={"files": files},
        uses=("chat",),
        fix=f"Move the template to {JINJA}, and named ones to {NAMED}/.",
    )
