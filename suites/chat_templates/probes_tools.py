"""Probes of tools: which parts of offers, calls and results reach the prompt."""

from __future__ import annotations

from typing import Any

from fixtures.inputs.conversations import assistant
from fixtures.inputs.tools import (
    ASK,
    CALL,
    CALL_AS_TEXT,
    CALL_ID,
    CITY,
    DEGREES,
    OTHER_CITY,
    REPLY,
    RESULT,
    TWO_CALLS,
    TWO_RESULTS,
    WEATHER,
)
from fixtures.templates.chat import NEEDLE, Chat, Message
from suites.chat_templates.evidence import shown
from suites.chat_templates.probes import Answer, attempt, needle, reason
from suites.findings import NotApplicable

OFFERED: list[Any] = [WEATHER]
NO_CALLS: Answer = ("no tool calls", None)


def tools(chat: Chat) -> Answer:
    return needle(chat, [ASK], word="get_weather", tools=OFFERED)


def tool_calls(chat: Chat) -> Answer:
    return with_or_without(chat, [ASK, CALL, RESULT, REPLY], CITY)


def shows_calls(chat: Chat) -> bool:
    """True if the template renders the arguments of a call, with or without tools on offer."""
    return chat.once("chat.tool_calls", tool_calls)[0] == "supported"


def require_calls(chat: Chat) -> None:
    """Raises NotApplicable if the template renders no tool calls."""
    __tracebackhide__ = True
    if not shows_calls(chat):
        raise NotApplicable("the template renders no tool calls")


def parallel_tool_calls(chat: Chat) -> Answer:
    return with_or_without(chat, [ASK, TWO_CALLS, *TWO_RESULTS, REPLY], OTHER_CITY)


def tool_results(chat: Chat) -> Answer:
    return with_or_without(chat, [ASK, CALL, RESULT, assistant("Warm.")], DEGREES)


def tool_call_ids(chat: Chat) -> Answer:
    """required: refused without ids; supported: rendered with the call or its result."""
    if not shows_calls(chat):
        return NO_CALLS
    value, text = with_or_without(chat, [ASK, CALL, RESULT, REPLY], CALL_ID)
    if value != "supported":
        return value, text
    bare = [ASK, without_ids(CALL), without_ids(RESULT), REPLY]
    refusal = reason(chat, bare, tools=OFFERED)
    return ("required", refusal) if refusal else (value, text)


def json_string_arguments(chat: Chat) -> Answer:
    """Arguments as a JSON string, as the OpenAI API returns them; the library's documentation asks for mappings."""
    if not shows_calls(chat):
        return NO_CALLS
    text, failure = attempt(chat, [ASK, CALL_AS_TEXT, RESULT, REPLY], tools=OFFERED)
    if text is None:
        return failure, reason(chat, [ASK, CALL_AS_TEXT, RESULT, REPLY], tools=OFFERED)
    if f'\\"{CITY}\\"' in text:
        return "encoded twice", shown(text)
    return ("supported" if CITY in text else "dropped"), shown(text)


def content_with_tool_calls(chat: Chat) -> Answer:
    """Text of the assistant in a message that calls a tool."""
    if not shows_calls(chat):
        return NO_CALLS
    return with_or_without(chat, [ASK, CALL | {"content": NEEDLE}, RESULT, REPLY], NEEDLE)


def null_content(chat: Chat) -> Answer:
    """A call with null content, as the OpenAI API returns it."""
    if not shows_calls(chat):
        return NO_CALLS
    usual, null = [ASK, CALL, RESULT, REPLY], [ASK, CALL | {"content": None}, RESULT, REPLY]
    text, failure = attempt(chat, null, tools=OFFERED)
    if text is None:
        return failure, reason(chat, null, tools=OFFERED)
    same = text == attempt(chat, usual, tools=OFFERED)[0]
    return ("supported" if same else "printed as None" if "None" in text else "differs from empty content"), shown(text)


def documents(chat: Chat) -> Answer:
    """Documents from retrieval, passed as `documents`."""
    found = [{"title": "Zephyrs", "text": NEEDLE, "content": NEEDLE, "doc_id": "0"}]
    return needle(chat, [ASK], documents=found)


def with_or_without(chat: Chat, messages: list[Message], word: str) -> Answer:
    """The better result of `needle` with tools on offer and without."""
    value, text = needle(chat, messages, word=word, after=str(ASK["content"]), tools=OFFERED)
    if value == "supported":
        return value, text
    other, other_text = needle(chat, messages, word=word, after=str(ASK["content"]))
    return (other, other_text) if other == "supported" else (value, text)


def without_ids(message: Message) -> Message:
    bare = {key: value for key, value in message.items() if key != "tool_call_id"}
    if "tool_calls" in bare:
        bare["tool_calls"] = [{key: call[key] for key in ("type", "function")} for call in bare["tool_calls"]]
    return bare
