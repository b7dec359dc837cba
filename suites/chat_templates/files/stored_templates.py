"""Chat templates in the files of a directory, and those that the tokenizer loaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from fixtures.checkpoint import traits
from fixtures.inputs.conversations import OPTIONAL, PLAIN
from fixtures.inputs.tools import ASK, CALL, REPLY, RESULT, WEATHER
from fixtures.templates.chat import Message, TemplateFails, template_failures

DEFAULT = "default"
JINJA, NAMED = "chat_template.jinja", "additional_chat_templates"
OF_TOKENIZERS = "tokenizer_config.json"
OF_PROCESSORS = ("chat_template.json", "processor_config.json")


@dataclass(frozen=True)
class StoredTemplate:
    """A chat template in a file."""

    file: str
    name: str
    text: str


def stored_templates(directory: Path) -> Iterator[StoredTemplate]:
    """All templates of the directory."""
    if (directory / JINJA).is_file():
        yield StoredTemplate(JINJA, DEFAULT, (directory / JINJA).read_text(encoding="utf-8"))
    for path in sorted((directory / NAMED).glob("*.jinja")):
        yield StoredTemplate(f"{NAMED}/{path.name}", path.name.removesuffix(".jinja"), path.read_text(encoding="utf-8"))
    for file in (OF_TOKENIZERS, *OF_PROCESSORS):
        data, _ = traits.read_json(directory / file)
        for name, text in by_name(data.get("chat_template")).items():
            yield StoredTemplate(file, name, text)


def by_name(declared: Any) -> dict[str, str]:
    """Templates by name, from a text, a mapping, or a list of names and templates as in JSON files."""
    if isinstance(declared, str):
        return {DEFAULT: declared}
    if isinstance(declared, dict):
        return {str(name): text for name, text in declared.items() if isinstance(text, str)}
    entries = [entry for entry in declared or [] if isinstance(entry, dict)] if isinstance(declared, list) else []
    return {str(entry.get("name")): entry["template"] for entry in entries if isinstance(entry.get("template"), str)}


def in_tokenizer_files(directory: Path) -> list[StoredTemplate]:
    """The templates in files that tokenizers read."""
    return [each for each in stored_templates(directory) if each.file not in OF_PROCESSORS]


def loaded_templates(tokenizer: Any) -> dict[str, str]:
    """The templates of the loaded tokenizer."""
    return by_name(getattr(tokenizer, "chat_template", None))


def renders_itself(tokenizer: Any) -> bool:
    """True if the class renders prompts itself, whatever the files declare, as that of mistral-common does."""
    from transformers import PreTrainedTokenizerBase

    return type(tokenizer).apply_chat_template is not PreTrainedTokenizerBase.apply_chat_template


def leaves_directory(name: str) -> bool:
    """True if a name is not a plain file name on every system."""
    plain = PurePosixPath(name).name == name and PureWindowsPath(name).name == name
    return not plain or name in ("", ".", "..") or "\0" in name


CONVERSATIONS: dict[str, tuple[list[Message], dict[str, Any]]] = {
    **{name: (messages, {"add_generation_prompt": True}) for name, messages in (PLAIN | OPTIONAL).items()},
    "a conversation with a tool": ([ASK, CALL, RESULT, REPLY], {"tools": [WEATHER]}),
}


def first_difference(tokenizer: Any, one: str, other: str) -> tuple[str, str, str] | None:
    """The first conversation that two templates render differently, with both renders; None if they agree.

    A failure counts as a render.
    """
    for name, (messages, options) in CONVERSATIONS.items():
        renders = [render(tokenizer, text, messages, **options) for text in (one, other)]
        if renders[0] != renders[1]:
            return name, renders[0], renders[1]
    return None


def render(tokenizer: Any, template: str, messages: list[Message], **options: Any) -> str:
    """The render of a conversation, with typed parts as content if the template takes nothing else."""
    typed = [message | {"content": [{"type": "text", "text": message["content"]}]} for message in messages]
    failure = ""
    for variant in (messages, typed):
        try:
            with template_failures():
                return str(tokenizer.apply_chat_template(variant, chat_template=template, tokenize=False, **options))
        except TemplateFails as error:
            failure = failure or f"fails: {error}"
    return failure
