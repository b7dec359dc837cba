from __future__ import annotations

from typing import Any

from fixtures.inputs.conversations import INSTRUCTION, QUESTION
from fixtures.sandbox.client import CLIENT
from fixtures.sandbox.inspection import inspect, variables
from fixtures.templates.chat import Chat
from suites.chat_templates.differences import between
from suites.chat_templates.portability.engines import CLOCK
from suites.findings import Hazard, Unsupported


def test_renders_without_clock(chat: Chat) -> None:
    """Where an engine has no strftime_now, the template renders, and prints no old date as today's.

    Why: strftime_now belongs to transformers and not to Jinja; engines that lack it fail, or the template falls back
        to a date of its author's and tells the model that it is today.
    Fix: Where strftime_now is not defined, leave the date out, or take it from a variable that callers set.
    Source: https://github.com/oobabooga/textgen/pull/6692;
        https://github.com/huggingface/text-generation-inference/issues/2987
    """
    found = inspect(chat.template)
    if found.exceeded_limit:
        raise Unsupported("the template does not end well: see chat_templates/bounded")
    lines = found.facts.get("constructs", {}).get("strftime_now()")
    if not lines:
        return
    for messages in ([QUESTION], [INSTRUCTION, QUESTION]):
        given = {"variables": variables(chat.prepared(messages)), "clock": CLOCK}
        usual, without = CLIENT.ask(chat.template, [given, {**given, "without": ["strftime_now"]}])["renders"]
        if "text" in usual and usual.get("text") != without.get("text"):
            raise hazard(usual["text"], without, lines[0])


def hazard(usual: str, without: dict[str, Any], line: int) -> Hazard:
    evidence = {"with": usual, "without": without.get("text"), "failure": without.get("failed"), "line": line}
    if "failed" in without:
        return Hazard(f"Engines without strftime_now cannot render the template: {without['failed']} (line {line}).",
                      evidence=evidence)  # fmt: skip
    now, then = between(usual, without["text"])
    return Hazard(f"In engines without strftime_now the template prints {then!r} where today's date belongs, {now!r}.",
                  evidence=evidence)  # fmt: skip
