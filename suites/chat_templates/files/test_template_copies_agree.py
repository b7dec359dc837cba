from __future__ import annotations

from typing import Any

from fixtures.session.needs import needs
from fixtures.subjects.subject import Subject
from suites.chat_templates.evidence import common_prefix, shown
from suites.chat_templates.files.stored_templates import (
    DEFAULT,
    JINJA,
    NAMED,
    OF_TOKENIZERS,
    StoredTemplate,
    first_difference,
    in_tokenizer_files,
    loaded_templates,
    renders_itself,
    stored_templates,
)
from suites.findings import Defect, Hazard, Record

CONFIG_ONLY = "text-generation-inference and other readers of tokenizer_config.json alone"


@needs("template_files")
def test_template_copies_agree(subject: Subject, tokenizer: Any, record: Record) -> None:
    """Copies of a chat template in several files say the same, and one of them is where the tokenizer looks.

    Why: chat_template.jinja goes before tokenizer_config.json, and some servers know only the latter; after an edit
        of one of them two servers prompt the same model differently, and neither tells.
    Fix: Keep one copy, or write the same text to all; consumers that read only tokenizer_config.json need it there.
    Source: https://github.com/huggingface/transformers/pull/33957;
        https://github.com/huggingface/text-generation-inference/issues/3247;
        https://github.com/microsoft/onnxruntime-extensions/pull/968
    """
    loaded, copies = loaded_templates(tokenizer), in_tokenizer_files(subject.path)
    if not loaded:
        return read_by_nobody(subject, tokenizer, record)
    where = {name: next((each.file for each in copies if (each.name, each.text) == (name, text)), OF_TOKENIZERS)
             for name, text in loaded.items()}  # fmt: skip
    tell(record, where, copies)
    for copy in copies:
        if copy.name in loaded and copy.text != loaded[copy.name]:
            agree(tokenizer, StoredTemplate(where[copy.name], copy.name, loaded[copy.name]), copy)
    return None


def tell(record: Record, where: dict[str, str], copies: list[StoredTemplate]) -> None:
    """A template that is only in .jinja files is what the library writes by default; who cannot read it is told."""
    files = sorted({each.file for each in copies if each.name == DEFAULT})
    missing = CONFIG_ONLY if OF_TOKENIZERS not in files else None
    record.capability("chat.template_file", where.get(DEFAULT, next(iter(where.values()))),
                      evidence={"files": files, "not seen by": missing})  # fmt: skip


def agree(tokenizer: Any, used: StoredTemplate, copy: StoredTemplate) -> None:
    """Texts may differ where no conversation shows it."""
    __tracebackhide__ = True
    difference = first_difference(tokenizer, used.text, copy.text)
    if difference is None:
        return
    conversation, one, other = difference
    start = max(0, len(common_prefix(one, other)) - 40)
    seen = CONFIG_ONLY if copy.file == OF_TOKENIZERS else "other consumers"
    raise Hazard(
        f"{used.file} and {copy.file} hold different templates"
        f"{f' called {copy.name}' if copy.name != DEFAULT else ''}: the tokenizer takes the former, {seen} the latter.",
        evidence={"conversation": conversation, used.file: shown(one[start:], limit=300),
                  copy.file: shown(other[start:], limit=300)},
        remedy=f"Delete the template from {copy.file}, or write the text of {used.file} there.",
    )  # fmt: skip


def read_by_nobody(subject: Subject, tokenizer: Any, record: Record) -> None:
    """The tokenizer has no template, though a file of the directory holds one."""
    __tracebackhide__ = True
    files = sorted({each.file for each in stored_templates(subject.path)})
    if renders_itself(tokenizer):
        record.capability("chat.template_file", f"none, {type(tokenizer).__name__} renders by itself")
        return
    if subject.traits.has_processor:
        record.capability("chat.template_file", f"{' and '.join(files)}, for the processor only")
        return
    raise Defect(
        f"The tokenizer has no chat template: {' and '.join(files) or 'no file that it reads'} is read by processors "
        "only, and there is none here.",
        evidence={"files": files},
        remedy=f"Move the template to {JINJA}, named ones to {NAMED}/.",
    )
