"""Chat templates that the tokenizer loaded, and the renders in which two templates differ."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from fixtures.inputs.conversations import OPTIONAL, PLAIN
from fixtures.inputs.tools import ASK, CALL, REPLY, RESULT, WEATHER
from fixtures.templates.chat import Message, TemplateFails, template_failures
from fixtures.templates.stored import by_name


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
