"""Promise: a conversation with tools renders, with everything in it."""

from __future__ import annotations

from typing import Any

from fixtures.inputs.tools import (
    ASK,
    CALL,
    CALL_AS_TEXT,
    CALL_WITHOUT_ARGUMENTS,
    CITY,
    CLOCK,
    REPLY,
    RESULT,
    THANKS,
    WEATHER,
)
from fixtures.subjects.chat import Chat, Message, TemplateBreaks, TemplateRejects
from suites.chat_templates.evidence import breaks, failed, shown
from suites.chat_templates.probes import attempt
from suites.findings import Defect, Hazard

TOOLS: list[Any] = [WEATHER, CLOCK]


def test_tool_round_trip(chat: Chat, record: Any) -> None:
    """Where tool calls are shown, a call, its result, the reply and a further question render with their values.

    Why: an agent's loop is made of these; a template that stops, or shows a call without its arguments, breaks it
        in the middle or teaches the model to call with nothing.
    Fix: Render tool_calls of the assistant and messages of the role tool; take arguments as a mapping and as text.
    Source: https://huggingface.co/docs/transformers/chat_extras;
        https://github.com/huggingface/transformers/issues/48120;
        https://github.com/Blackwellboy/model-serving-minefield (traps 43 and 84)
    """
    if not shows_calls(chat):
        return  # told by `capabilities`: chat.tool_calls
    renders(chat, [ASK, CALL, RESULT], "a tool's result")
    renders(chat, [ASK, CALL, RESULT, REPLY, THANKS], "a question after a tool was used")
    if "get_time" not in renders(chat, [ASK, CALL_WITHOUT_ARGUMENTS], "a call without arguments"):
        raise Defect("A tool call without arguments is not rendered.", evidence={"messages": [CALL_WITHOUT_ARGUMENTS]})
    question_after_result(chat)
    arguments_as_text(chat, record)


def shows_calls(chat: Chat) -> bool:
    """Whether the template shows a call's arguments at all, with tools or without."""
    return any(CITY in rest_of(chat, [ASK, CALL, RESULT, REPLY], tools) for tools in (TOOLS, None))


def rest_of(chat: Chat, messages: list[Message], tools: list[Any] | None) -> str:
    """The render after the user's own words, '' where there is none."""
    try:
        return chat.render(messages, tools=tools).partition(str(ASK["content"]))[2]
    except (TemplateBreaks, TemplateRejects):
        return ""


def renders(chat: Chat, messages: list[Message], what: str) -> str:
    __tracebackhide__ = True
    try:
        return chat.render(messages, tools=TOOLS)
    except (TemplateBreaks, TemplateRejects) as failure:
        summary = (
            breaks(failure, what)
            if isinstance(failure, TemplateBreaks)
            else f"The template takes tool calls, and refuses {what}: {failure}."
        )
        raise Defect(summary, evidence=failed(failure, messages)) from None


def arguments_as_text(chat: Chat, record: Any) -> None:
    """Arguments as the JSON text that the OpenAI API returns; the library's documentation asks for mappings."""
    __tracebackhide__ = True
    messages = [ASK, CALL_AS_TEXT, RESULT, REPLY]
    text, failure = attempt(chat, messages, tools=TOOLS)
    said = (text or "").partition(str(ASK["content"]))[2]
    twice = f'\\"{CITY}\\"' in said
    record.capability("chat.arguments_as_text", failure or ("encoded twice" if twice else "supported"))
    evidence = {"messages": messages, "render": text and shown(text)}
    if failure == "breaks":
        raise Hazard("The template breaks on tool-call arguments given as JSON text, as the OpenAI API has them.",
                     evidence=evidence, remedy=PARSE)  # fmt: skip
    if not failure and CITY not in said:
        raise Defect("Tool-call arguments given as JSON text are dropped: the call is rendered empty.",
                     evidence=evidence, remedy=PARSE)  # fmt: skip
    if twice:
        raise Hazard("Tool-call arguments given as JSON text are encoded a second time: the model sees escaped quotes.",
                     evidence=evidence, remedy=PARSE)  # fmt: skip


PARSE = "Parse arguments with json.loads before rendering, or test `arguments is string` in the template."


def question_after_result(chat: Chat) -> None:
    """The user may speak before the model has commented on a result; some templates count turns and refuse."""
    __tracebackhide__ = True
    messages = [ASK, CALL, RESULT, THANKS]
    try:
        chat.render(messages, tools=TOOLS)
    except TemplateRejects as reason:
        raise Hazard(f"A question that follows a tool's result directly is refused: {reason}.",
                     evidence=failed(reason, messages),
                     remedy="Append the model's reply before the next question.") from None  # fmt: skip
    except TemplateBreaks as failure:
        raise Defect(breaks(failure, "a question after a tool's result"), evidence=failed(failure, messages)) from None
