"""Promise: the template renders what a chat is made of."""

from __future__ import annotations

from typing import Any

from fixtures.inputs.conversations import OPTIONAL, PLAIN
from fixtures.subjects.chat import Chat, Message, TemplateBreaks, TemplateRejects
from suites.chat_templates.evidence import breaks, failed
from suites.findings import Defect


def test_renders(chat: Chat, record: Any) -> None:
    """Plain conversations of user and assistant render; others render, or are refused with a reason.

    Why: an undefined value or a type error inside the template stops an application in the middle of a chat.
    Fix: Test in the template what a message has before it is used, and refuse with raise_exception what the model
        was not trained on.
    Source: https://huggingface.co/docs/transformers/chat_templating_writing
    """
    refused = [name for name, messages in PLAIN.items() if rendering(chat, name, messages)]
    if refused == list(PLAIN):
        reason = rendering(chat, refused[0], PLAIN[refused[0]])
        raise Defect(f"The template refuses even {refused[0]}: {reason}.", evidence={"refused": refused})
    refused += [name for name, messages in OPTIONAL.items() if rendering(chat, name, messages)]
    record.capability("chat.refuses", ", ".join(refused) or "nothing")


def rendering(chat: Chat, name: str, messages: list[Message]) -> str | None:
    """Renders with and without a generation prompt; returns the reason where the template refuses."""
    __tracebackhide__ = True
    for add_generation_prompt in (False, True):
        try:
            chat.render(messages, add_generation_prompt=add_generation_prompt)
        except TemplateRejects as reason:
            return str(reason)
        except TemplateBreaks as failure:
            raise Defect(breaks(failure, name), evidence=failed(failure, messages)) from None
    return None
