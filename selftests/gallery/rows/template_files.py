"""Rows about the files that hold chat templates."""

from __future__ import annotations

import json
from pathlib import Path

from selftests.gallery.edits import edit_template, set_keys
from selftests.gallery.registry import CHAT, mutant

OLDER = "{% for m in messages %}{{ m.role ~ ': ' ~ m.content ~ '<|im_end|>\n' }}{% endfor %}"
"""Another template than the subject's own."""


def template(directory: Path) -> str:
    return (directory / "chat_template.jinja").read_text(encoding="utf-8")


def name_template(directory: Path, name: str, text: str) -> None:
    folder = directory / "additional_chat_templates"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.jinja").write_text(text, encoding="utf-8")


def into_config(directory: Path, **templates: str) -> None:
    """Moves the template into the list form of tokenizer_config.json, with more of them."""
    entries = [{"name": "default", "template": template(directory)}]
    entries += [{"name": name, "template": text} for name, text in templates.items()]
    set_keys(directory / "tokenizer_config.json", chat_template=entries)
    (directory / "chat_template.jinja").unlink()


def add_processor(directory: Path) -> None:
    (directory / "processor_config.json").write_text('{"processor_class": "LlavaProcessor"}', encoding="utf-8")


@mutant(
    "C24",
    "the template moved to chat_template.jinja, and an older one stayed in tokenizer_config.json",
    source="huggingface/text-generation-inference#3247, microsoft/onnxruntime-extensions#968",
    base=CHAT,
    caught_by="chat_templates/template-copies-agree",
    severity="hazard",
    naming=("chat_template.jinja", "tokenizer_config.json"),
)
def stale_copy(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", chat_template=OLDER)


@mutant(
    "CK20",
    "the template is in a file that only processors read",
    source="huggingface/transformers#33957",
    base=CHAT,
    caught_by="chat_templates/template-copies-agree",
    naming="chat_template.json",
)
def file_of_processors(directory: Path) -> None:
    text = json.dumps({"chat_template": template(directory)})
    (directory / "chat_template.json").write_text(text, encoding="utf-8")
    (directory / "chat_template.jinja").unlink()


@mutant(
    "CK21",
    "a directory of named templates replaces the default one in tokenizer_config.json",
    source="huggingface/transformers#36588",
    base=CHAT,
    caught_by="chat_templates/named-templates-render",
    naming=("default", "tokenizer_config.json", "additional_chat_templates"),
)
def default_replaced(directory: Path) -> None:
    name_template(directory, "tool_use", template(directory))
    set_keys(directory / "tokenizer_config.json", chat_template=template(directory))
    (directory / "chat_template.jinja").unlink()


@mutant(
    "CK22",
    "the template for tools breaks",
    source="own",
    base=CHAT,
    caught_by="chat_templates/named-templates-render",
    naming=("tool_use", "breaks"),
)
def named_template_breaks(directory: Path) -> None:
    name_template(
        directory, "tool_use", "{% for tool in tools %}{{ tool.signature.name }}{% endfor %}{{ messages | join }}"
    )


@mutant(
    "CK23",
    "the template for retrieval drops the question",
    source="own",
    base=CHAT,
    caught_by="chat_templates/named-templates-render",
    naming=("rag", "does not show"),
)
def named_template_drops(directory: Path) -> None:
    name_template(directory, "rag", "{% for document in documents or [] %}{{ document.text }}{% endfor %}")


@mutant(
    "CK24",
    "a template called file overwrites the default one when the tokenizer is saved",
    source="own",
    base=CHAT,
    caught_by="chat_templates/templates-survive-saving",
    naming=("default", "overwritten by the one called file"),
)
def template_called_file(directory: Path) -> None:
    into_config(directory, file=OLDER)


@mutant(
    "CK25",
    "a template's name leads out of the directory",
    source="huggingface/transformers#46191 (CVE-2026-9856)",
    base=CHAT,
    caught_by="chat_templates/template-names-stay-inside",
    naming=("../../", "outside"),
)
def name_leads_out(directory: Path) -> None:
    into_config(directory, **{"../../escaped": OLDER})


@mutant(
    "CK26",
    "a named template is a link to another place",
    source="own",
    base=CHAT,
    caught_by="chat_templates/template-names-stay-inside",
    naming=("rag.jinja", "link"),
)
def link_leads_out(directory: Path) -> None:
    outside = directory.parent / f"{directory.name}-elsewhere.txt"
    outside.write_text(template(directory), encoding="utf-8")
    name_template(directory, "rag", "")
    (directory / "additional_chat_templates" / "rag.jinja").unlink()
    (directory / "additional_chat_templates" / "rag.jinja").symlink_to(outside)


@mutant(
    "CK27",
    "the processor reads an older template than the tokenizer",
    source="huggingface/transformers#33957",
    base=CHAT,
    caught_by="chat_templates/processor-template-agrees",
    severity="hazard",
    naming=("processor", "tokenizer"),
)
def processor_has_another(directory: Path) -> None:
    add_processor(directory)
    (directory / "chat_template.json").write_text(json.dumps({"chat_template": OLDER}), encoding="utf-8")


@mutant(
    "CK28",
    "old and new template files together stop the processor",
    source="huggingface/transformers#36588",
    base=CHAT,
    caught_by="chat_templates/processor-template-agrees",
    naming="conflicting",
)
def processor_stops(directory: Path) -> None:
    processor_has_another(directory)
    name_template(directory, "tool_use", template(directory))


@mutant(
    "CK29",
    "the template begins with a byte order mark",
    source="own",
    base=CHAT,
    caught_by="chat_templates/no-byte-order-mark",
    naming="byte order mark",
)
def byte_order_mark(directory: Path) -> None:
    edit_template(directory, "{#- ChatML", "\ufeff{#- ChatML")


@mutant(
    "CX27",
    "the template that only the processor has drops the system message",
    source="own, in a directory as older image-text models have it",
    base=CHAT,
    caught_by="chat_templates/nothing-lost",
    naming="system message",
)
def processor_drops_the_system_message(directory: Path) -> None:
    text = template(directory).replace("{{- text(messages[0].content) -}}", "")
    (directory / "chat_template.jinja").unlink()
    (directory / "chat_template.json").write_text(json.dumps({"chat_template": text}), encoding="utf-8")
    add_processor(directory)
