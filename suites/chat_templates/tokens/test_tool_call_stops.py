from __future__ import annotations

from typing import Any

from fixtures.inputs.tools import ASK, CALL, CITY, DEGREES, RESULT, WEATHER
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.templates.chat import Chat, TemplateFails, stop_ids
from suites.chat_templates.evidence import encoded, shown
from suites.evidence import tokens
from suites.findings import Defect, NotApplicable

DECLARED = ("generation_config.json", "config.json")


@uses("tools")
def test_tool_call_stops(subject: Subject, tokenizer: Any, assistant_chat: Chat) -> None:
    """After a tool call, the template writes a token at which generation stops.

    Why: otherwise the model continues after its call and invents the tool's result; several families end calls with a
        special token that is easily missing in eos_token_id.
    Fix: List the id of the token that ends a tool call in eos_token_id of generation_config.json.
    Source: https://www.llama.com/docs/model-cards-and-prompt-formats/llama3_1/;
        https://github.com/openai/harmony/blob/main/docs/format.md
    """
    chat = assistant_chat
    after = after_call(chat)
    stops, file = stop_ids(subject, tokenizer)
    if after is None or file not in DECLARED:
        raise NotApplicable("the template writes no calls, or no file declares where generation stops")
    ids = encoded(chat, after)
    if set(ids).isdisjoint(stops):
        added = tokenizer.added_tokens_decoder
        last = next((f"{added[number].content} (id {number})" for number in ids if number in added), repr(after[:20]))
        named = ", ".join(
            f"{token} (id {number})" for token, number in zip(tokens(tokenizer, stops), stops, strict=True)
        )
        raise Defect(
            f"A tool call ends with {last}, but generation stops only at {named or 'no token'}, as {file} declares.",
            evidence={
                "after the call": shown(after, limit=200),
                "ids": ids[:40],
                "tokens": tokens(tokenizer, ids[:40]),
            },
        )


def after_call(chat: Chat) -> str | None:
    """Text after a call's last argument, up to the tool's result; None if calls are not rendered."""
    for messages in ([ASK, CALL, RESULT], [ASK, CALL]):
        for tools in ([WEATHER], None):
            try:
                text = chat.render(messages, tools=tools).partition(str(ASK["content"]))[2]
            except TemplateFails:
                continue
            _, shows_call, after = text.rpartition(CITY)
            if shows_call:
                return after.partition(DEGREES)[0]
    return None
