from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.inputs.conversations import ANSWER, FOLLOW_UP, INSTRUCTION, QUESTION
from fixtures.inputs.tools import ASK, CALL, CALL_ID, CITY, CLOCK, REPLY, RESULT, WEATHER, calls
from fixtures.session.uses import uses
from fixtures.templates.chat import NEEDLE, Chat
from suites.chat_templates import probes, probes_tools
from suites.chat_templates.evidence import rendered, shown
from suites.chat_templates.probes import Answer, attempt
from suites.findings import Defect, Finding, Hazard, NotApplicable, Record, raise_findings

Loss = tuple[str, str, Any]
"""The use that goes wrong, what is lost, and the render."""
INSTRUCTED = {
    "A system message": ("system", [INSTRUCTION, QUESTION]),
    "A system message before a longer conversation": ("system", [INSTRUCTION, QUESTION, ANSWER, FOLLOW_UP]),
    "A system message before a question and its answer": ("training", [INSTRUCTION, QUESTION, ANSWER]),
}
WITH_TOOLS = {"A system message before a tool's result": ("tools", [INSTRUCTION, ASK, CALL, RESULT])}
DESCRIBED: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Foretells drizzle.",
        "parameters": {
            "type": "object",
            "properties": {"hamlet": {"type": "string", "description": "Whose sky to look at."}},
            "required": ["hamlet"],
        },
    },
}
"""A tool whose description and parameter are words that occur nowhere else."""
ID_WITH_NAME = f"functions.{NEEDLE}:0"
"""A call id like those of Kimi K2, which its templates print instead of the name."""


@uses("chat", "system", "tools", "training")
def test_nothing_lost(assistant_chat: Chat, record: Record) -> None:
    """No instruction, tool call or tool result is silently left out of the prompt.

    Why: the application sees no error, while the model misses an instruction, or calls a tool again because it does not
        see its own call.
    Fix: Render the message, or refuse it with raise_exception; the evidence shows the prompt without it.
    Source: https://github.com/huggingface/transformers/issues/30545 (a system message dropped);
        https://docs.mistral.ai/cookbook/concept-deep-dive-tokenization-chat_templates (where Mistral's belongs);
        https://github.com/huggingface/trl/blob/main/trl/chat_templates/README.md (tool calls dropped)
    """
    chat = assistant_chat
    rendered(chat, [QUESTION])
    system = known(chat, probes.system_role) not in ("rejected", "error")
    has = {"system": system, "training": system, "tools": known(chat, probes_tools.tools) == "supported"}
    if not any(has.values()):
        raise NotApplicable("the template takes no system messages and no tools")
    record.tested(*(use for use, there in has.items() if there))
    raise_findings([*defects(chat), *hazards(chat)])


def defects(chat: Chat) -> Iterator[Finding]:
    """A defect for each use that loses something. A system message lost together with the question concerns chats."""
    losses = list(lost(chat))
    if any(
        str(QUESTION["content"]) not in str(text)
        for use, name, text in losses
        if use == "system" and name in INSTRUCTED
    ):
        losses = [("chat", name, text) for use, name, text in losses if use == "system"]
    for affected in dict.fromkeys(use for use, _, _ in losses):
        found = {name: text for use, name, text in losses if use == affected}
        also = f" (and {len(found) - 1} other losses)" if len(found) > 1 else ""
        summary = f"{next(iter(found))} is silently left out of the prompt{also}."
        yield Defect(summary, evidence=found, uses=(affected,))


def hazards(chat: Chat) -> Iterator[Finding]:
    if found := dict(minor_losses(chat)):
        what = " and ".join(found)
        verb = "are" if len(found) > 1 else "is"
        summary = f"{what[0].upper()}{what[1:]} {verb} silently left out of the prompt."
        yield Hazard(summary, evidence=found, uses=("tools",))


def lost(chat: Chat) -> Iterator[Loss]:
    """Losses that are defects. A template without any support for tools only lacks a capability."""
    instructed = INSTRUCTED | (WITH_TOOLS if probes_tools.shows_calls(chat) else {})
    dropped = {}
    for name, (use, messages) in instructed.items():
        tools = [WEATHER] if name in WITH_TOOLS else None
        value, text = probes.needle(chat, messages, word=str(INSTRUCTION["content"]), tools=tools)
        if value == "dropped":
            dropped[name] = (use, text)
    always = any(use == "system" for use, _ in dropped.values())
    yield from (("system" if always else use, name, text) for name, (use, text) in dropped.items())
    if known(chat, probes_tools.tools) == "supported" and known(chat, probes_tools.tool_calls) == "dropped":
        yield "tools", "A call of a tool, although tools are offered,", shown_by(chat, probes_tools.tool_calls)
    if probes_tools.shows_calls(chat) and known(chat, probes_tools.tool_results) == "dropped":
        yield "tools", "The result of a tool, although its call is shown,", shown_by(chat, probes_tools.tool_results)
    yield from (("tools", name, text) for name, text in lost_of_tools(chat))


def lost_of_tools(chat: Chat) -> Iterator[tuple[str, Any]]:
    """Lost parts of offered tools that the model needs to call them, and calls without the tool's name."""
    if known(chat, probes_tools.tools) == "supported":
        two, one = (attempt(chat, [ASK], tools=tools)[0] for tools in ([WEATHER, CLOCK], [DESCRIBED]))
        if two is not None and "get_time" not in two:
            yield "The second of two tools on offer", shown(two)
        if one is not None and "hamlet" not in one:
            yield "A parameter of a tool on offer", shown(one)
    if probes_tools.shows_calls(chat) and (text := nameless(chat, CALL_ID)) and nameless(chat, ID_WITH_NAME):
        yield "The name of the tool that is called", text


def nameless(chat: Chat, call_id: str) -> str | None:
    """The render of a call that does not name its tool."""
    called = calls({"city": CITY}, name=NEEDLE)
    called["tool_calls"][0]["id"] = call_id
    value, text = probes_tools.with_or_without(chat, [ASK, called, RESULT | {"tool_call_id": call_id}, REPLY], NEEDLE)
    return str(text) if value == "dropped" else None


def minor_losses(chat: Chat) -> Iterator[tuple[str, Any]]:
    """Losses that published templates have, of details of tools and of messages that call them."""
    if known(chat, probes_tools.tools) == "supported":
        text = attempt(chat, [ASK], tools=[DESCRIBED])[0]
        if text is not None and "drizzle" not in text:
            yield "the description of a tool on offer", shown(text)
    if not probes_tools.shows_calls(chat):
        return
    if (text := nameless(chat, CALL_ID)) and not nameless(chat, ID_WITH_NAME):
        yield "the name of a called tool, unless the call's id contains it,", text
    if known(chat, probes_tools.content_with_tool_calls) == "dropped":
        yield (
            "the text of the assistant in a message that calls a tool",
            shown_by(chat, probes_tools.content_with_tool_calls),
        )
    if known(chat, probes_tools.parallel_tool_calls) == "dropped":
        yield "the second of two calls in one message", shown_by(chat, probes_tools.parallel_tool_calls)


def known(chat: Chat, probe: Any) -> str:
    answer: Answer = chat.once(f"chat.{probe.__name__}", probe)
    return answer[0]


def shown_by(chat: Chat, probe: Any) -> Any:
    answer: Answer = chat.once(f"chat.{probe.__name__}", probe)
    return answer[1]
