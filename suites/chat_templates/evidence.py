"""How findings of this suite show rendered text and token ids; and the renders that most checks begin with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fixtures.inputs.conversations import QUESTION
from fixtures.templates.chat import Chat, Message, TemplateBreaks, TemplateFails, TemplateRejects
from fixtures.text.differences import first_difference
from suites.findings import Defect, Unsupported


def shown(text: str, *, limit: int = 600) -> str:
    """The text, cut in the middle when long."""
    return text if len(text) <= limit else f"{text[: limit // 2]} … {text[-limit // 2 :]}"


def rendered(chat: Chat, messages: Sequence[Message], **options: Any) -> str:
    """The render that a check is about; one that fails is the finding of `renders`, or a strictness."""
    __tracebackhide__ = True
    try:
        return chat.render(messages, **options)
    except TemplateRejects as reason:
        raise Unsupported(f"the template refuses the conversation that this check needs: {reason}") from None
    except TemplateBreaks as failure:
        if not chat.accepts([QUESTION]):
            raise Unsupported("the template does not even render a question: see chat_templates/renders") from None
        raise Defect(failure_summary(failure, "a conversation"), evidence=failure_evidence(failure, messages)) from None


def ids_of(chat: Chat, messages: Sequence[Message], **options: Any) -> list[int]:
    """Token ids of a conversation that renders; that its text cannot be encoded is told by the tokenizer's checks."""
    __tracebackhide__ = True
    rendered(chat, messages, **options)
    try:
        return chat.ids(messages, **options)
    except TemplateFails as failure:
        raise Unsupported(f"{failure}: see tokenizers/round-trip") from None


def encoded(chat: Chat, text: str) -> list[int]:
    __tracebackhide__ = True
    try:
        return chat.encode(text)
    except Exception as error:
        raise Unsupported(f"{text[:60]!r} cannot be encoded ({error}): see tokenizers/round-trip") from None


def failure_summary(failure: TemplateBreaks, what: str) -> str:
    """One sentence about a failure; the sandbox's refusal is named as what it is."""
    reason = str(failure).rstrip(".")
    if reason.startswith("SecurityError"):
        return f"The template reaches for Python internals, and the sandbox stopped it: {reason}."
    return f"The template breaks on {what}: {reason}."


def failure_evidence(failure: Exception, messages: Sequence[Message]) -> dict[str, Any]:
    return {"messages": list(messages), "failure": str(failure)}


def common_prefix(left: str, right: str) -> str:
    return left[: first_difference(left, right)]
