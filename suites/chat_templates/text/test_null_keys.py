from __future__ import annotations

from collections.abc import Iterator

from fixtures.inputs.conversations import ANSWER, FOLLOW_UP, QUESTION
from fixtures.inputs.tools import ASK, CALL, REPLY, RESULT, WEATHER
from fixtures.templates.chat import Chat, Message
from suites.chat_templates import probes_tools
from suites.chat_templates.evidence import rendered, shown
from suites.chat_templates.probes import attempt, reason
from suites.findings import Defect, Hazard

OPTIONAL = ("tool_calls", "reasoning_content", "thinking", "name", "tool_call_id", "refusal", "audio", "function_call")
"""What a client's message objects have as null where it does not apply."""


def test_null_keys(chat: Chat) -> None:
    """A key that is null renders as a key that is missing, and a call without content as one with an empty content.

    Why: clients pass on what the API gave them, {"content": null, "tool_calls": [...]}; a template that prints None
        puts the word into the prompt, and one that breaks ends an agent at its first tool call.
    Fix: Write {% if message.content %} and {% if message.tool_calls %} instead of tests such as `is defined`.
    Source: https://github.com/huggingface/transformers/issues/45419;
        https://github.com/huggingface/speech-to-speech/issues/414
    """
    rendered(chat, [QUESTION])
    for messages, null, what in pairs(chat):
        usual, text = (attempt(chat, each, tools=[WEATHER] if len(each) == 4 else None)[0] for each in (messages, null))
        if usual is None or usual == text:
            continue
        why = reason(chat, null, tools=[WEATHER] if len(null) == 4 else None)
        evidence = {"messages": null, "render": text and shown(text), "expected": shown(usual), "failure": why}
        if text is None:
            raise Hazard(f"The template breaks on {what}: {str(why).rstrip('.')}.", evidence=evidence)
        if text.count("None") > usual.count("None"):
            raise Defect(f"The template prints the word None for {what}.", evidence=evidence)
        raise Hazard(f"The render differs for {what}.", evidence=evidence)


def pairs(chat: Chat) -> Iterator[tuple[list[Message], list[Message], str]]:
    """A conversation, the same one with nulls, and what the nulls are."""
    plain = [QUESTION, ANSWER, FOLLOW_UP]
    absent = dict.fromkeys(OPTIONAL)
    yield plain, [absent | message for message in plain], "keys that are null"
    if probes_tools.shows_calls(chat):
        yield ([ASK, CALL, RESULT, REPLY], [ASK, CALL | {"content": None}, RESULT, REPLY],
               "a tool call whose content is null")  # fmt: skip
        bare = {key: value for key, value in CALL.items() if key != "content"}
        yield [ASK, CALL, RESULT, REPLY], [ASK, bare, RESULT, REPLY], "a tool call without content"
