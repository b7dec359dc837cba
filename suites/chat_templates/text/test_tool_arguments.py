from __future__ import annotations

import json
from typing import Any

from fixtures.inputs.tools import ASK, CITY, CLOCK, REPLY, RESULT, WEATHER, calls
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat, Message
from suites.chat_templates.evidence import RENDERS, shown
from suites.chat_templates.probes import attempt, reason
from suites.chat_templates.probes_tools import require_calls
from suites.findings import Blocked, Defect, Hazard

TOOLS: list[Any] = [WEATHER, CLOCK]
ARGUMENTS = {"city": CITY, "days": 3}
PARSE = "Parse arguments with json.loads before rendering, or test `arguments is string` in the template."


@uses("tools")
def test_tool_arguments(assistant_chat: Chat) -> None:
    """Arguments as a JSON string, as the OpenAI API returns them, render like a mapping, or are refused.

    Why: most clients pass the string on, though the library's documentation asks for mappings; escaped quotes, an empty
        call or an error then break an agent's loop.
    Fix: Write {{ arguments if arguments is string else arguments | tojson }}.
    Source: https://github.com/huggingface/transformers/issues/48120;
        https://github.com/huggingface/transformers/issues/45419;
        https://github.com/Blackwellboy/model-serving-minefield (trap 43)
    """
    chat = assistant_chat
    require_calls(chat)
    usual, _ = attempt(chat, conversation(ARGUMENTS), tools=TOOLS)
    messages = conversation(json.dumps(ARGUMENTS))
    text, failure = attempt(chat, messages, tools=TOOLS)
    if usual is None:
        raise Blocked(RENDERS, "the template fails on a tool call")
    if failure == "rejected" or usual == text:
        return  # both are right; recorded as chat.json_string_arguments
    evidence = {
        "messages": messages,
        "render": text and shown(text),
        "of a mapping": shown(usual),
        "failure": reason(chat, messages, tools=TOOLS),
    }
    if text is None:
        summary = "The template fails on tool-call arguments given as JSON text, as the OpenAI API returns them."
        raise Hazard(summary, evidence=evidence, fix=PARSE)
    if CITY not in text:
        summary = "Tool-call arguments given as JSON text are dropped: the call is rendered without arguments."
        raise Defect(summary, evidence=evidence, fix=PARSE)
    raise Hazard(f"Tool-call arguments given as JSON text are {change_of(text)}.", evidence=evidence, fix=PARSE)


def conversation(arguments: Any) -> list[Message]:
    return [ASK, calls(arguments), RESULT, REPLY]


def change_of(text: str) -> str:
    if f'\\"{CITY}\\"' in text:
        return "encoded a second time: the model sees escaped quotes"
    return "rendered differently from the same arguments as a mapping"
