from __future__ import annotations

from typing import Any

from fixtures.inputs.conversations import INSTRUCTION, QUESTION
from fixtures.sandbox.client import CLIENT
from fixtures.sandbox.inspection import inspect, variables
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat
from suites.chat_templates.differences import between
from suites.chat_templates.evidence import BOUNDED, EXCEEDS_LIMIT, common_prefix
from suites.chat_templates.portability.engines import CLOCK
from suites.findings import Blocked, Hazard, NotApplicable


@uses("serving", worst="hazard")
def test_renders_without_clock(chat: Chat) -> None:
    """In an engine without strftime_now the template renders, and prints no fixed date as the current one.

    Why: strftime_now belongs to transformers, not to Jinja; other engines fail, or the template presents a date of its
        author's as the current one.
    Fix: If strftime_now is not defined, leave the date out, or take it from a variable that callers set.
    Source: https://github.com/oobabooga/textgen/pull/6692;
        https://github.com/huggingface/text-generation-inference/issues/2987
    """
    found = inspect(chat.template)
    if found.exceeded_limit:
        raise Blocked(BOUNDED, EXCEEDS_LIMIT)
    lines = found.facts.get("constructs", {}).get("strftime_now()")
    if not lines:
        raise NotApplicable("the template does not call strftime_now")
    for messages in ([QUESTION], [INSTRUCTION, QUESTION]):
        given = {"variables": variables(chat.prepared(messages)), "clock": CLOCK}
        usual, without = CLIENT.ask(chat.template, [given, {**given, "without": ["strftime_now"]}])["renders"]
        if "text" in usual and not leaves_date_out(usual["text"], without):
            raise hazard(usual["text"], without, lines[0])


def leaves_date_out(usual: str, without: dict[str, Any]) -> bool:
    """True if the render without a clock is the usual one, but for a part that is left out."""
    text = without.get("text")
    if text is None:
        return False
    rest = text[len(common_prefix(usual, text)) :]
    return len(text) <= len(usual) and usual.endswith(rest)


def hazard(usual: str, without: dict[str, Any], line: int) -> Hazard:
    evidence = {"with": usual, "without": without.get("text"), "failure": without.get("failed"), "line": line}
    if "failed" in without:
        summary = f"Engines without strftime_now cannot render the template: {without['failed']} (line {line})."
        return Hazard(summary, evidence=evidence)
    now, then = between(usual, without["text"])
    summary = f"In engines without strftime_now, the template prints {then!r} instead of the current date, {now!r}."
    return Hazard(summary, evidence=evidence)
