"""Defects in the files that hold chat templates."""

from __future__ import annotations

import json
from pathlib import Path

from selftests.gallery.edits.files import edit_template, set_keys
from selftests.gallery.edits.templates import add_processor, template
from selftests.gallery.registry import CHAT, healthy, mutant

OLDER = "{% for m in messages %}{{ m.role ~ ': ' ~ m.content ~ '<|im_end|>\n' }}{% endfor %}"
"""Another template than the subject's own."""


def name_template(directory: Path, name: str, text: str) -> None:
    folder = directory / "additional_chat_templates"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.jinja").write_text(text, encoding="utf-8")


@mutant(
    "template-folder-replaces-default",
    "a directory of named templates replaces the default one in tokenizer_config.json",
    number="CK21",
    source="huggingface/transformers#36588",
    base=CHAT,
    caught_by="chat_templates/named-templates-render",
    summary_contains=("default", "tokenizer_config.json", "additional_chat_templates"),
)
def template_folder_replaces_default(directory: Path) -> None:
    name_template(directory, "tool_use", template(directory))
    set_keys(directory / "tokenizer_config.json", chat_template=template(directory))
    (directory / "chat_template.jinja").unlink()


@mutant(
    "tool-template-breaks",
    "the template for tools breaks",
    number="CK22",
    source="own",
    base=CHAT,
    caught_by="chat_templates/named-templates-render",
    summary_contains=("tool_use", "fails"),
)
def tool_template_breaks(directory: Path) -> None:
    name_template(
        directory, "tool_use", "{% for tool in tools %}{{ tool.signature.name }}{% endfor %}{{ messages | join }}"
    )


@mutant(
    "rag-template-drops-question",
    "the template for retrieval drops the question",
    number="CK23",
    source="own",
    base=CHAT,
    caught_by="chat_templates/named-templates-render",
    summary_contains=("rag", "does not show"),
)
def rag_template_drops_question(directory: Path) -> None:
    name_template(directory, "rag", "{% for document in documents or [] %}{{ document.text }}{% endfor %}")


@mutant(
    "template-starts-with-byte-order-mark",
    "the template begins with a byte order mark",
    number="CK29",
    source="own",
    base=CHAT,
    caught_by="chat_templates/no-byte-order-mark",
    summary_contains="byte order mark",
)
def template_starts_with_byte_order_mark(directory: Path) -> None:
    edit_template(directory, "{#- ChatML", "\ufeff{#- ChatML")


@mutant(
    "processor-has-older-template",
    "the processor reads an older template than the tokenizer",
    number="CK27",
    source="huggingface/transformers#33957",
    base=CHAT,
    caught_by="chat_templates/processor-template-agrees",
    severity="hazard",
    summary_contains=("processor", "tokenizer"),
)
def processor_has_older_template(directory: Path) -> None:
    add_processor(directory)
    (directory / "chat_template.json").write_text(json.dumps({"chat_template": OLDER}), encoding="utf-8")


@mutant(
    "two-processor-template-files",
    "old and new template files together stop the processor",
    number="CK28",
    source="huggingface/transformers#36588",
    base=CHAT,
    caught_by="chat_templates/processor-template-agrees",
    summary_contains="conflicting",
)
def two_processor_template_files(directory: Path) -> None:
    processor_has_older_template(directory)
    name_template(directory, "tool_use", template(directory))


@mutant(
    "stale-template-copy",
    "the template moved to chat_template.jinja, and an older one stayed in tokenizer_config.json",
    number="C24",
    source="huggingface/text-generation-inference#3247, microsoft/onnxruntime-extensions#968",
    base=CHAT,
    caught_by="chat_templates/template-copies-agree",
    severity="hazard",
    summary_contains=("chat_template.jinja", "tokenizer_config.json"),
)
def stale_template_copy(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", chat_template=OLDER)


@mutant(
    "template-only-in-processor-file",
    "the template is in a file that only processors read",
    number="CK20",
    source="huggingface/transformers#33957",
    base=CHAT,
    caught_by="chat_templates/template-copies-agree",
    summary_contains="chat_template.json",
)
def template_only_in_processor_file(directory: Path) -> None:
    text = json.dumps({"chat_template": template(directory)})
    (directory / "chat_template.json").write_text(text, encoding="utf-8")
    (directory / "chat_template.jinja").unlink()


def into_config(directory: Path, **templates: str) -> None:
    """Moves the template into the list form of tokenizer_config.json, with more of them."""
    entries = [{"name": "default", "template": template(directory)}]
    entries += [{"name": name, "template": text} for name, text in templates.items()]
    set_keys(directory / "tokenizer_config.json", chat_template=entries)
    (directory / "chat_template.jinja").unlink()


@mutant(
    "template-name-leaves-directory",
    "a template's name leads out of the directory",
    number="CK25",
    source="huggingface/transformers#46191 (CVE-2026-9856)",
    base=CHAT,
    caught_by="chat_templates/template-names-stay-inside",
    summary_contains=("../../", "outside"),
)
def template_name_leaves_directory(directory: Path) -> None:
    into_config(directory, **{"../../escaped": OLDER})


@mutant(
    "template-link-leaves-directory",
    "a named template is a link to a file outside of the directory",
    number="CK26",
    source="own",
    base=CHAT,
    caught_by="chat_templates/template-names-stay-inside",
    summary_contains=("rag.jinja", "link"),
)
def template_link_leaves_directory(directory: Path) -> None:
    outside = directory.parent / f"{directory.name}-elsewhere.txt"
    outside.write_text(template(directory), encoding="utf-8")
    name_template(directory, "rag", "")
    (directory / "additional_chat_templates" / "rag.jinja").unlink()
    (directory / "additional_chat_templates" / "rag.jinja").symlink_to(outside)


@mutant(
    "template-named-file",
    "a template called file overwrites the default one when the tokenizer is saved",
    number="CK24",
    source="own",
    base=CHAT,
    caught_by="chat_templates/templates-survive-saving",
    summary_contains=("default", "overwritten by the one called file"),
)
def template_named_file(directory: Path) -> None:
    into_config(directory, file=OLDER)


@healthy(
    "equal-template-in-both-files",
    "tokenizer_config.json repeats chat_template.jinja, for programs that read only one of them",
    base=CHAT,
    check="chat_templates/template-copies-agree",
)
def equal_template_in_both_files(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", chat_template=template(directory))


@healthy(
    "tool-template-like-default",
    "the template for tools is the default one, which takes tools too",
    base=CHAT,
    check="chat_templates/named-templates-render",
)
def tool_template_like_default(directory: Path) -> None:
    name_template(directory, "tool_use", template(directory))
