"""Probes: needles sent through the template tell what it supports, merges, refuses or drops."""

from __future__ import annotations

import re
from typing import Any

from fixtures.inputs.conversations import ANSWER, FOLLOW_UP, QUESTION, assistant, system, user
from fixtures.inputs.tools import ASK, CALL, CITY, DEGREES, REPLY, RESULT, WEATHER
from fixtures.subjects.chat import NEEDLE, Chat, Message, TemplateBreaks, TemplateRejects
from suites.chat_templates.evidence import shown

Answer = tuple[str | bool, Any]


def attempt(chat: Chat, messages: list[Message], **options: Any) -> tuple[str | None, str]:
    """The render, or None with the word for its failure."""
    try:
        return chat.render(messages, **options), ""
    except TemplateRejects:
        return None, "rejected"
    except TemplateBreaks:
        return None, "breaks"


def needle(chat: Chat, messages: list[Message], *, word: str = NEEDLE, after: str = "", **options: Any) -> Answer:
    """supported, dropped, rejected or breaks: whether the word is in the render, behind `after`."""
    text, failure = attempt(chat, messages, **options)
    if text is None:
        return failure, None
    rest = text.partition(after)[2] if after else text
    return ("supported" if word in rest else "dropped"), shown(text)


def system_role(chat: Chat) -> Answer:
    """supported: in a turn of its own; merged: inside the user's turn."""
    value, text = needle(chat, [system(NEEDLE), QUESTION])
    if value != "supported":
        return value, text
    plain = attempt(chat, [QUESTION])[0] or ""
    before_user = plain.partition(str(QUESTION["content"]))[0].removeprefix(chat.tokenizer.bos_token or "").strip()
    head = str(text).partition(NEEDLE)[0]
    return ("merged" if before_user and before_user in head else "supported"), text


def default_system_prompt(chat: Chat) -> Answer:
    """Whether more than a role's name stands before the first user content when no system message is given."""
    text = attempt(chat, [QUESTION])[0] or ""
    before = text.partition(str(QUESTION["content"]))[0]
    for token in chat.tokenizer.added_tokens_decoder.values():
        before = before.replace(token.content, " ")
    return len(re.findall(r"[^\W\d_]{2,}", before)) >= 4, shown(text)


def tools(chat: Chat) -> Answer:
    return needle(chat, [QUESTION], word="get_weather", tools=[WEATHER])


def tool_calls(chat: Chat) -> Answer:
    for offered in ([WEATHER], None):
        value, text = needle(chat, [ASK, CALL, RESULT, REPLY], word=CITY, after=str(ASK["content"]), tools=offered)
        if value == "supported":
            return value, text
    return value, text


def tool_results(chat: Chat) -> Answer:
    reply = assistant("Warm.")
    return needle(chat, [ASK, CALL, RESULT, reply], word=DEGREES, tools=[WEATHER])


def alternation(chat: Chat) -> Answer:
    """strict: two user messages in a row, or an assistant message first, are refused."""
    refused = [messages for messages in ([QUESTION, FOLLOW_UP], [ANSWER, QUESTION]) if not chat.accepts(messages)]
    return ("strict" if refused else "free"), refused or None


def trims_content(chat: Chat) -> Answer:
    text, _ = attempt(chat, [user(f"  {NEEDLE}  "), assistant("\n\n  Fine.  "), QUESTION])
    return text is not None and f"  {NEEDLE}  " not in text, text and shown(text)


def reasoning(chat: Chat) -> Answer:
    """kept in earlier turns, dropped there, or absent altogether."""
    thinking = assistant("Paris.") | {"reasoning_content": NEEDLE, "thinking": NEEDLE}
    if NEEDLE in (attempt(chat, [QUESTION, thinking, FOLLOW_UP])[0] or ""):
        return "kept", None
    last = attempt(chat, [QUESTION, thinking])[0] or ""
    in_text = attempt(chat, [QUESTION, assistant(f"<think>\n{NEEDLE}\n</think>\n\nParis."), FOLLOW_UP])[0] or NEEDLE
    return ("dropped" if NEEDLE in last or NEEDLE not in in_text else "absent"), shown(last)


def content_parts(chat: Chat) -> Answer:
    if chat.wants_parts:
        return "required", None
    value, text = needle(chat, [user([{"type": "text", "text": NEEDLE}])])
    return ("printed as Python" if "'text':" in str(text) else value), text


def user_control_tokens(chat: Chat) -> Answer:
    """What becomes of control tokens that a user types."""
    if not chat.has_ids:
        return "no tokenizer", None
    added = chat.tokenizer.added_tokens_decoder
    marker = next((number for number in chat.encode(chat.ending or "") if number in added), None)
    if marker is None:
        return "no control tokens", None
    harmless, typed = ([user(f"{NEEDLE}{text}x")] for text in ("", added[marker].content))
    try:
        more = chat.ids(typed).count(marker) - chat.ids(harmless).count(marker)
    except (TemplateRejects, TemplateBreaks):
        return "rejected", None
    return ("become control ids by default" if more else "stay text"), added[marker].content


def generation_mask(chat: Chat) -> Answer:
    """Whether {% generation %} marks what the assistant said."""
    return "{% generation" in chat.template or "{%- generation" in chat.template, None
