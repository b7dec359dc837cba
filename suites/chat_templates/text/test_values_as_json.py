from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fixtures.inputs.tools import ASK, CITY, REPLY, RESULT, WEATHER, calls
from fixtures.sandbox.client import CLIENT
from fixtures.sandbox.inspection import variables
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat, Message
from suites.chat_templates import probes_tools
from suites.chat_templates.evidence import rendered
from suites.chat_templates.probes import attempt
from suites.chat_templates.template_names import lines
from suites.findings import Defect, NotApplicable

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


@uses("tools")
def test_values_as_json(assistant_chat: Chat) -> None:
    """Offered tools and arguments of calls are written as JSON or in words, not in Python's notation.

    Why: the model imitates None, True and single quotes from the prompt in its own calls, which JSON parsers reject.
    Fix: Write {{ value | tojson }}, also for single values: {{ value if value is string else value | tojson }}.
    Source: https://github.com/vllm-project/vllm/issues/38885; https://huggingface.co/docs/transformers/chat_extras
    """
    chat = assistant_chat
    rendered(chat, [ASK])
    if not (tried := list(conversations(chat))):
        raise NotApplicable("the template renders no tools and no calls")
    plain = attempt(chat, [ASK], tools=[WEATHER])[0] or ""
    found: dict[str, Any] = {}
    if "arguments of a call" in [what for what, _, _ in tried]:
        check_quotes(chat)
    for what, messages, tools in tried:
        text = attempt(chat, messages, tools=tools)[0] or ""
        if is_python(chat, what, text):
            continue
        if printed := [match for match in PYTHON.finditer(text) if match[0] not in plain]:
            around = text[max(0, printed[0].start() - 300) : printed[0].end() + 300]
            written = lines_of(chat, messages, tools, text, [match.start() for match in printed])
            found[what] = {
                "lines": written,
                "printed": [match[0] if match[0].isalpha() else "single quotes" for match in printed],
                "render": around,
            }
    if found:
        what = " and ".join(found)
        printed_as = ", ".join(dict.fromkeys(each for case in found.values() for each in case["printed"]))
        written = sorted({line for case in found.values() for line in case["lines"]})
        where = f" ({lines(written)})" if written else ""
        summary = f"{what[0].upper()}{what[1:]} are written in Python's notation: {printed_as}{where}."
        raise Defect(summary, evidence=found)


def lines_of(chat: Chat, messages: list[Message], tools: list[Any], text: str, starts: list[int]) -> list[int]:
    """Lines of the template that wrote these positions of a render; empty if tracing changes the render."""
    tokens = {name: each for name, each in chat.tokenizer.special_tokens_map.items() if isinstance(each, str)}
    given = variables(chat.prepared(messages), tools=tools, add_generation_prompt=False, **tokens)
    traced = CLIENT.ask(chat.template, [{"variables": given, "trace": True}])["renders"][0]
    if traced.get("text") != text:
        return []
    return [next(line for offset, line in reversed(traced["lines"]) if offset <= start) for start in starts]


def is_python(chat: Chat, what: str, text: str) -> bool:
    """True where tools are Python functions, or calls are Python, in which its literals are right."""
    return "def set_switches(" in text if what == "tools on offer" else bool(python_call(chat))


def python_call(chat: Chat) -> re.Match[str] | None:
    """The argument of a call that is written as Python; the group is its opening quote."""
    text = attempt(chat, [ASK, calls({"city": CITY}), RESULT, REPLY], tools=[WEATHER])[0] or ""
    return re.search(rf"get_weather\(\s*city\s*=\s*(['\"]?){CITY}", text)


def check_quotes(chat: Chat) -> None:
    """Raises Defect for calls in Python whose texts are not quoted."""
    __tracebackhide__ = True
    if (call := python_call(chat)) and not call[1]:
        raise Defect(
            f"Calls are written in Python, and texts among their arguments without quotes: {call[0]!r}.",
            evidence={"render": call[0]},
            fix="Write {{ value | tojson }} for each argument.",
        )


def conversations(chat: Chat) -> Iterator[tuple[str, list[Message], list[Any]]]:
    if chat.once("chat.tools", probes_tools.tools)[0] == "supported":
        yield "tools on offer", [ASK], [SWITCHES]
    if probes_tools.shows_calls(chat):
        yield "arguments of a call", [ASK, calls(ARGUMENTS), RESULT, REPLY], [WEATHER]
