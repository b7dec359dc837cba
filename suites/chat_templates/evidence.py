"""Renders and ids that checks of this suite start with, and the evidence of their findings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from fixtures.inputs.conversations import QUESTION
from fixtures.templates.chat import Chat, Message, TemplateFails, TemplateRejects
from fixtures.text.differences import first_difference
from suites.chat_templates.affected import uses_of
from suites.findings import Blocked, Defect, Finding, NotApplicable

RENDERS, BOUNDED, ROUND_TRIP = "chat_templates/renders", "chat_templates/bounded", "tokenizers/round-trip"
EXCEEDS_LIMIT = "the template exceeds a limit of time, memory or output"
NO_RENDERS = "the template does not render even a question"


INTERNAL = re.compile(r"attribute '_")


def shown(text: str, *, limit: int = 600) -> str:
    """The text, cut in the middle when long."""
    return text if len(text) <= limit else f"{text[: limit // 2]} … {text[-limit // 2 :]}"


def rendered(chat: Chat, messages: Sequence[Message], **options: Any) -> str:
    """The render of a conversation.

    Blocked if the template renders no question, NotApplicable if it refuses this conversation only, Defect if it fails
    on this one only.
    """
    __tracebackhide__ = True
    try:
        return chat.render(messages, **options)
    except TemplateFails as failure:
        if not chat.accepts([QUESTION]):
            raise renders_nothing(chat) from None
        if isinstance(failure, TemplateRejects):
            raise NotApplicable(f"the template refuses the conversation that this check needs: {failure}") from None
        raise Defect(
            failure_summary(failure, "a conversation"),
            evidence=failure_evidence(failure, messages),
            uses=uses_of(messages, options.get("tools")),
        ) from None


def renders_nothing(chat: Chat) -> Finding:
    """Why a check has no render of a question: the template is for something else, or `renders` reports it."""
    if not chat.kind.is_chat:
        return NotApplicable(f"this template is for {chat.kind.purpose}: {chat.kind.evidence}")
    return Blocked(RENDERS, NO_RENDERS)


def ids_of(chat: Chat, messages: Sequence[Message], **options: Any) -> list[int]:
    """Token ids of a conversation that renders. Blocked if its text cannot be encoded."""
    __tracebackhide__ = True
    rendered(chat, messages, **options)
    try:
        return chat.ids(messages, **options)
    except TemplateFails as failure:
        raise Blocked(ROUND_TRIP, str(failure)) from None


def encoded(chat: Chat, text: str) -> list[int]:
    """Token ids of a rendered text. Blocked if it cannot be encoded."""
    __tracebackhide__ = True
    try:
        return chat.encode(text)
    except Exception as error:
        raise Blocked(ROUND_TRIP, f"{text[:60]!r} cannot be encoded ({error})") from None


def failure_summary(failure: TemplateFails, what: str) -> str:
    """Summary of a failure, which distinguishes a refusal by the sandbox."""
    reason = str(failure).rstrip(".")
    if reason.startswith("SecurityError") and INTERNAL.search(reason):
        return f"The template accesses Python internals, which the sandbox refuses: {reason}."
    if reason.startswith("SecurityError"):
        return f"The template fails on {what}: a method that changes a value is not allowed in the sandbox: {reason}."
    return f"The template fails on {what}: {reason}."


def failure_evidence(failure: Exception, messages: Sequence[Message]) -> dict[str, Any]:
    return {"messages": list(messages), "failure": str(failure)}


def common_prefix(left: str, right: str) -> str:
    return left[: first_difference(left, right)]
