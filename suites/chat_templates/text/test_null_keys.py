from __future__ import annotations

from collections.abc import Iterator

from fixtures.inputs.conversations import ANSWER, FOLLOW_UP, QUESTION
from fixtures.inputs.tools import ASK, CALL, REPLY, RESULT, WEATHER
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat, Message
from suites.chat_templates import probes_tools
from suites.chat_templates.affected import raise_by_use, uses_of
from suites.chat_templates.evidence import rendered, shown
from suites.chat_templates.probes import attempt, reason
from suites.findings import Defect, Finding, Hazard, Record

OPTIONAL = ("tool_calls", "reasoning_content", "thinking", "name", "tool_call_id", "refusal", "audio", "function_call")
"""Keys that clients set to null when they do not apply."""


@uses("chat", "tools")
def test_null_keys(assistant_chat: Chat, record: Record) -> None:
    """A null key renders like a missing key, and a call without content like one with empty content.

    Why: clients pass on messages of the API, such as {"content": null, "tool_calls": [...]}; the model then reads the
        word None, or an error ends an agent at its first tool call.
    Fix: Write {% if message.content %} and {% if message.tool_calls %} instead of tests such as `is defined`.
    Source: https://github.com/huggingface/transformers/issues/45419;
        https://github.com/huggingface/speech-to-speech/issues/414
    """
    rendered(assistant_chat, [QUESTION])
    record.tested("chat", *["tools"] * probes_tools.shows_calls(assistant_chat))
    raise_by_use(findings(assistant_chat))


def findings(chat: Chat) -> Iterator[Finding]:
    for messages, null, what, usual_case in pairs(chat):
        usual, text = (attempt(chat, each, tools=[WEATHER] if len(each) == 4 else None)[0] for each in (messages, null))
        if usual is None or usual == text:
            continue
        affected = uses_of(null)
        why = reason(chat, null, tools=[WEATHER] if len(null) == 4 else None)
        evidence = {"messages": null, "render": text and shown(text), "expected": shown(usual), "failure": why}
        if text is None:
            yield Hazard(f"The template fails on {what}: {str(why).rstrip('.')}.", evidence=evidence, uses=affected)
        elif text.count("None") > usual.count("None"):
            yield Defect(f"The template prints the word None for {what}.", evidence=evidence, uses=affected)
        else:
            summary = f"The template renders {what} differently from {usual_case}."
            yield Hazard(summary, evidence=evidence, uses=affected)


def pairs(chat: Chat) -> Iterator[tuple[list[Message], list[Message], str, str]]:
    """A usual conversation, the same one with null or missing keys, and both described."""
    plain = [QUESTION, ANSWER, FOLLOW_UP]
    absent = dict.fromkeys(OPTIONAL)
    yield plain, [absent | message for message in plain], "keys that are null", "missing keys"
    if probes_tools.shows_calls(chat):
        usual, null = [ASK, CALL, RESULT, REPLY], [ASK, CALL | {"content": None}, RESULT, REPLY]
        yield usual, null, "a tool call whose content is null", "one with empty content"
        bare = {key: value for key, value in CALL.items() if key != "content"}
        yield usual, [ASK, bare, RESULT, REPLY], "a tool call without content", "one with empty content"
