from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fixtures.inputs.tools import ASK, CITY, REPLY, RESULT, WEATHER, calls
from fixtures.templates.chat import Chat, Message
from suites.chat_templates import probes_tools
from suites.chat_templates.evidence import rendered
from suites.chat_templates.probes import attempt
from suites.findings import Defect

ARGUMENTS = {
    "city": CITY,
    "metric": True,
    "alarm": False,
    "station": None,
    "hours": [1, None, True],
    "map": {"k": False},
}
SWITCHES: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "set_switches",
        "description": 'Sets <b>"switches"</b> & more.',
        "parameters": {
            "type": "object",
            "properties": {
                "on": {"type": "boolean", "description": "On or off.", "default": True},
                "level": {"type": "string", "description": "How far.", "enum": ["low", "high"]},
                "steps": {"type": "array", "description": "Each step.", "items": {"type": "integer"}},
            },
            "required": ["on"],
            "additionalProperties": False,
        },
    },
}
PYTHON = re.compile(r"\b(?:True|False|None)\b|\{'|\['\w|'\w+': |\b(?:dict|list|Undefined)\(")


def test_values_as_json(chat: Chat) -> None:
    """Offered tools and arguments of calls are written as JSON or in words, not in Python's notation.

    Why: the model imitates None, True and single quotes from the prompt in its own calls, which JSON parsers reject.
    Fix: Write {{ value | tojson }}, also for single values: {{ value if value is string else value | tojson }}.
    Source: https://github.com/vllm-project/vllm/issues/38885; https://huggingface.co/docs/transformers/chat_extras
    """
    rendered(chat, [ASK])
    plain = attempt(chat, [ASK], tools=[WEATHER])[0] or ""
    found: dict[str, Any] = {}
    for what, messages, tools in conversations(chat):
        text = attempt(chat, messages, tools=tools)[0] or ""
        if printed := [match for match in PYTHON.finditer(text) if match[0] not in plain]:
            around = text[max(0, printed[0].start() - 300) : printed[0].end() + 300]
            found[what] = {
                "printed": [match[0] if match[0].isalpha() else "single quotes" for match in printed],
                "render": around,
            }
    if found:
        what = " and ".join(found)
        printed_as = ", ".join(dict.fromkeys(each for case in found.values() for each in case["printed"]))
        raise Defect(f"{what[0].upper()}{what[1:]} are written in Python's notation: {printed_as}.", evidence=found)


def conversations(chat: Chat) -> Iterator[tuple[str, list[Message], list[Any]]]:
    if chat.once("chat.tools", probes_tools.tools)[0] == "supported":
        yield "tools on offer", [ASK], [SWITCHES]
    if probes_tools.shows_calls(chat):
        yield "arguments of a call", [ASK, calls(ARGUMENTS), RESULT, REPLY], [WEATHER]
