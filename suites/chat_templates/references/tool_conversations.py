"""Conversations with tools, and the tool format of a template."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fixtures.inputs.conversations import INSTRUCTION
from fixtures.inputs.tools import ASK, CALL, CLOCK, REPLY, RESULT, THANKS, TWO_CALLS, TWO_RESULTS, WEATHER
from fixtures.references.chat.recognition import Recognised, alike, pairs
from fixtures.references.chat.template_renders import CONVERSATIONS
from fixtures.references.chat.tool_format import Offer, RecognisedTools, as_json, calls_of, recognise_tools
from fixtures.references.chat.tool_formats import TOOL_FORMATS
from fixtures.templates.chat import Chat, Message
from suites.chat_templates import probes_tools
from suites.chat_templates.probes import attempt
from suites.chat_templates.references.deviation import family_of, template_renders

TOOL_CONVERSATIONS: dict[str, list[Message]] = {
    "a call": [ASK, CALL],
    "a call and its result": [ASK, CALL, RESULT],
    "a call, its result and the reply": [ASK, CALL, RESULT, REPLY],
    "a question after a tool was used": [ASK, CALL, RESULT, REPLY, THANKS],
    "two calls and their results": [ASK, TWO_CALLS, *TWO_RESULTS, REPLY],
    "a result that is text": [ASK, CALL, TWO_RESULTS[0], REPLY],
    "a system message and a call": [INSTRUCTION, ASK, CALL, RESULT],
    "a question": [ASK],
}
TOOLS = [WEATHER, CLOCK]


def tool_format_of(chat: Chat) -> RecognisedTools | None:
    """The tool format of a template of a known family, recognised once."""
    found: RecognisedTools | None = chat.once("tool format", _tool_format_of)
    return found


def _tool_format_of(chat: Chat) -> RecognisedTools | None:
    found = family_of(chat)
    families = {name for each in TOOL_FORMATS for name in each.families}
    if not found or found.family.name not in families or not probes_tools.shows_calls(chat) or not follows(chat, found):
        return None
    return recognise_tools(found, [render for _, render in fixed_renders(chat)], TOOL_FORMATS)


def follows(chat: Chat, found: Recognised) -> bool:
    """True if conversations without tools follow the format; `agrees-with-family-reference` reports others."""
    template = template_renders(chat)
    without_system = [(name, prompt, text) for name, prompt, text in pairs(found, template) if "system" not in name]
    return not found.style.unasked_prompt and all(
        alike(found, CONVERSATIONS[name], text, prompt=prompt) for name, prompt, text in without_system
    )


def fixed_renders(chat: Chat) -> Iterator[tuple[str, tuple[Offer, str]]]:
    for name, messages in TOOL_CONVERSATIONS.items():
        for prompt in (False, True) if messages[-1]["role"] != "assistant" else (False,):
            text, _ = attempt(chat, messages, tools=TOOLS, add_generation_prompt=prompt)
            if text is not None:
                yield (
                    f"{name}{' with a generation prompt' if prompt else ''}",
                    (Offer(messages, TOOLS, prompt), text),
                )


def complete(offer: Offer, text: str) -> bool:
    """True if all contents and arguments are in the render; other checks report what is lost or changed."""
    contents = [str(each["content"]) for each in offer.messages]
    called = [call for each in offer.messages for call in calls_of(each)]
    values = [value for call in called for value in (call["name"], *call["arguments"].values())]
    return all(any(spelling in text for spelling in spellings(each)) for each in (*contents, *values))


def spellings(value: Any) -> tuple[str, ...]:
    """Spellings of a value in a prompt: text, JSON, and JSON in ASCII."""
    return tuple(each.removeprefix('"').removesuffix('"') for each in (str(value), as_json(value), json.dumps(value)))
