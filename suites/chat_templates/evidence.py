"""Renders and ids that checks of this suite start with, and the evidence of their findings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fixtures.inputs.conversations import QUESTION
from fixtures.templates.chat import Chat, Message, TemplateBreaks, TemplateFails, TemplateRejects
from fixtures.text.differences import first_difference
from suites.findings import Defect, Unsupported

EXCEEDS_LIMIT = "the template exceeds a limit of time, memory or output: first fix what chat_templates/bounded reports"
NO_RENDERS = "the template does not render even a question: first fix what chat_templates/renders reports"


def shown(text: str, *, limit: int = 600) -> str:
    """The text, cut in the middle when long."""
    return text if len(text) <= limit else f"{text[: limit // 2]} … {text[-limit // 2 :]}"


def rendered(chat: Chat, messages: Sequence[Message], **options: Any) -> str:
    """The render of a conversation. Unsupported if the template refuses it, Defect if it fails on this one only."""
    __tracebackhide__ = True
    try:
        return chat.render(messages, **options)
    except TemplateRejects as reason:
        raise Unsupported(f"the template refuses the conversation that this check needs: {reason}") from None
    except TemplateBreaks as failure:
        if not chat.accepts([QUESTION]):
            raise Unsupported(NO_RENDERS) from None
        raise Defect(failure_summary(failure, "a conversation"), evidence=failure_evidence(failure, messages)) from None


def ids_of(chat: Chat, messages: Sequence[Message], **options: Any) -> list[int]:
    """Token ids of a conversation that renders. Unsupported if its text cannot be encoded."""
    __tracebackhide__ = True
    rendered(chat, messages, **options)
    try:
        return chat.ids(messages, **options)
    except TemplateFails as failure:
        raise Unsupported(f"{failure}: first fix what tokenizers/round-trip reports") from None


def encoded(chat: Chat, text: str) -> list[int]:
    """Token ids of a rendered text. Unsupported if it cannot be encoded."""
    __tracebackhide__ = True
    try:
        return chat.encode(text)
    except Exception as error:
        reason = f"{text[:60]!r} cannot be encoded ({error}): first fix what tokenizers/round-trip reports"
        raise Unsupported(reason) from None


def failure_summary(failure: TemplateBreaks, what: str) -> str:
    """Summary of a failure, which distinguishes a refusal by the sandbox."""
    reason = str(failure).rstrip(".")
    if reason.startswith("SecurityError"):
        return f"The template accesses Python internals, which the sandbox refuses: {reason}."
    return f"The template fails on {what}: {reason}."


def failure_evidence(failure: Exception, messages: Sequence[Message]) -> dict[str, Any]:
    return {"messages": list(messages), "failure": str(failure)}


def common_prefix(left: str, right: str) -> str:
    return left[: first_difference(left, right)]
