from __future__ import annotations

import json
from typing import Any

from fixtures.inputs.tools import ASK, CITY, CLOCK, REPLY, RESULT, WEATHER, calls
from fixtures.templates.chat import Chat, Message
from suites.chat_templates import probes_tools
from suites.chat_templates.evidence import shown
from suites.chat_templates.probes import attempt, reason
from suites.findings import Defect, Hazard

TOOLS: list[Any] = [WEATHER, CLOCK]
ARGUMENTS = {"city": CITY, "days": 3}
PARSE = "Parse arguments with json.loads before rendering, or test `arguments is string` in the template."


def test_tool_arguments(chat: Chat) -> None:
    """Arguments as a mapping and as the JSON text that the OpenAI API returns render alike, or the text is refused.

    Why: who passes on what the API returned gets a call with escaped quotes, an empty call, or an error in the middle
        of a loop; the library's documentation asks for mappings, most clients have text.
    Fix: Write {{ arguments if arguments is string else arguments | tojson }}.
    Source: https://github.com/huggingface/transformers/issues/48120;
        https://github.com/huggingface/transformers/issues/45419;
        https://github.com/Blackwellboy/model-serving-minefield (trap 43)
    """
    if not probes_tools.shows_calls(chat):
        return  # told by `capabilities`
    usual, _ = attempt(chat, conversation(ARGUMENTS), tools=TOOLS)
    messages = conversation(json.dumps(ARGUMENTS))
    text, failure = attempt(chat, messages, tools=TOOLS)
    if failure == "rejected" or usual is None or usual == text:
        return  # a strictness with a reason: chat.arguments_as_text
    evidence = {"messages": messages, "render": text and shown(text), "of a mapping": shown(usual),
                "failure": reason(chat, messages, tools=TOOLS)}  # fmt: skip
    if text is None:
        raise Hazard("The template breaks on tool-call arguments given as JSON text, as the OpenAI API has them.",
                     evidence=evidence, remedy=PARSE)  # fmt: skip
    if CITY not in text:
        raise Defect("Tool-call arguments given as JSON text are dropped: the call is rendered empty.",
                     evidence=evidence, remedy=PARSE)  # fmt: skip
    raise Hazard(f"Tool-call arguments given as JSON text are {how(text)}.", evidence=evidence, remedy=PARSE)


def conversation(arguments: Any) -> list[Message]:
    return [ASK, calls(arguments), RESULT, REPLY]


def how(text: str) -> str:
    if f'\\"{CITY}\\"' in text:
        return "encoded a second time: the model sees escaped quotes"
    return "rendered otherwise than the same arguments as a mapping"
