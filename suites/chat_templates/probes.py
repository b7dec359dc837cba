"""Probes of roles and turns: what the template does with a needle word in messages of each role."""

from __future__ import annotations

import datetime
import re
from typing import Any

from fixtures.inputs.conversations import ANSWER, FOLLOW_UP, QUESTION, assistant, system, user
from fixtures.templates.chat import NEEDLE, Chat, Message, TemplateBreaks, TemplateRejects
from suites.chat_templates.evidence import shown

Answer = tuple[str, Any]
"""The value of a capability, and the render or reason that shows it."""


def yes_no(value: bool) -> str:
    return "yes" if value else "no"


def attempt(chat: Chat, messages: list[Message], **options: Any) -> tuple[str | None, str]:
    """The render, or None and the kind of failure: rejected or error."""
    try:
        return chat.render(messages, **options), ""
    except TemplateRejects:
        return None, "rejected"
    except TemplateBreaks:
        return None, "error"


def needle(chat: Chat, messages: list[Message], *, word: str = NEEDLE, after: str = "", **options: Any) -> Answer:
    """supported or dropped, by the word in the render after `after`; rejected or error if there is no render."""
    text, failure = attempt(chat, messages, **options)
    if text is None:
        return failure, reason(chat, messages, **options)
    rest = text.partition(after)[2] if after else text
    return ("supported" if word in rest else "dropped"), shown(text)


def reason(chat: Chat, messages: list[Message], **options: Any) -> str | None:
    """The message of the exception if a conversation does not render."""
    try:
        chat.render(messages, **options)
    except (TemplateRejects, TemplateBreaks) as failure:
        return str(failure)
    return None


def system_role(chat: Chat) -> Answer:
    """supported: in its own turn; merged: inside the user's turn."""
    return _instruction(chat, system(NEEDLE))


def developer_role(chat: Chat) -> Answer:
    """The role that replaces the system role in newer APIs."""
    return _instruction(chat, {"role": "developer", "content": NEEDLE})


def _instruction(chat: Chat, message: Message) -> Answer:
    value, text = needle(chat, [message, QUESTION])
    if value != "supported":
        return value, text
    plain = attempt(chat, [QUESTION])[0] or ""
    before_user = plain.partition(str(QUESTION["content"]))[0].removeprefix(chat.tokenizer.bos_token or "").strip()
    head = str(text).partition(NEEDLE)[0]
    return ("merged into the user message" if before_user and before_user in head else "supported"), text


def late_system_message(chat: Chat) -> Answer:
    """A system message in the middle of a conversation."""
    return needle(chat, [QUESTION, ANSWER, system(NEEDLE), FOLLOW_UP])


def unknown_role(chat: Chat) -> Answer:
    """Treatment of a role that templates do not know."""
    return needle(chat, [QUESTION, {"role": "critic", "content": NEEDLE}, FOLLOW_UP])


def default_system_prompt(chat: Chat) -> Answer:
    """yes if there is more than a role name before the first user content without a system message."""
    text = attempt(chat, [QUESTION])[0] or ""
    before = text.partition(str(QUESTION["content"]))[0]
    for token in chat.tokenizer.added_tokens_decoder.values():
        before = before.replace(token.content, " ")
    before = MARKER.sub(" ", before)
    return yes_no(len(WORD.findall(before)) >= 4), shown(text)


def date_in_prompt(chat: Chat) -> Answer:
    """Dates in every prompt, such as the end of training; the current date is recorded as 'today'."""
    text = attempt(chat, [QUESTION])[0] or ""
    now = datetime.datetime.now()
    today = {now.strftime(form) for form in ("%Y-%m-%d", "%d %b %Y", "%d %B %Y", "%B %d, %Y")}
    found = ["today" if date in today else date for date in DATE.findall(text)]
    return ", ".join(dict.fromkeys(found)) or "none", shown(text) if found else None


def alternation(chat: Chat) -> Answer:
    """required: two user messages in a row, or an assistant message first, are refused."""
    tried = ([QUESTION, FOLLOW_UP], [ANSWER, QUESTION])
    refused = [messages for messages in tried if not chat.accepts(messages)]
    return ("required" if refused else "not required"), {reason(chat, refused[0]): refused} if refused else None


def consecutive_users(chat: Chat) -> Answer:
    return needle(chat, [QUESTION, user(NEEDLE)])


def consecutive_assistants(chat: Chat) -> Answer:
    return needle(chat, [QUESTION, ANSWER, assistant(NEEDLE)])


def assistant_first(chat: Chat) -> Answer:
    return needle(chat, [assistant(NEEDLE), QUESTION])


def empty_conversation(chat: Chat) -> Answer:
    """Render of no message at all; some versions of the library refuse it themselves."""
    text, failure = attempt(chat, [])
    return (failure, reason(chat, [])) if text is None else ("rendered", shown(text))


def generation_tag(chat: Chat) -> Answer:
    """yes if {% generation %} marks the answers of the assistant."""
    return yes_no(bool(GENERATION.search(chat.template))), None


MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
DATE = re.compile(rf"\b(?:\d{{4}}-\d{{2}}(?:-\d{{2}})?|(?:\d{{1,2}} )?{MONTH} (?:\d{{1,2}}, )?\d{{4}})\b")
MARKER = re.compile(r"<[|｜/]?[^<>\s]{1,40}[|｜]?>|\[/?[A-Z_]{2,30}\]")
WORD = re.compile(r"[^\W\d_]{2,}")
GENERATION = re.compile(r"\{%-?\s*generation\b")
