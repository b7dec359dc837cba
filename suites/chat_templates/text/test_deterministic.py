from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fixtures.inputs.conversations import ANSWER, FOLLOW_UP, INSTRUCTION, QUESTION
from fixtures.inputs.tools import ASK, CALL, CLOCK, REPLY, RESULT, WEATHER
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat, Message
from suites.chat_templates.affected import raise_by_use
from suites.chat_templates.evidence import common_prefix, rendered, shown
from suites.chat_templates.generated_conversations import features_of
from suites.chat_templates.probes import attempt
from suites.findings import Defect, Finding, Record

ROUNDS = 3
OBJECT = re.compile(
    r"<[^<>]{1,80} at 0x[0-9a-f]{6,}>|<bound method [^>]+>|<(?:LoopContext|Namespace|Macro|Cycler)\b[^>]*>"
)


@uses("chat", "tools")
def test_deterministic(chat: Chat, record: Record) -> None:
    """A conversation renders the same every time, and no address of a Python object is printed.

    Why: a prompt that differs between runs cannot be cached or reproduced, and randomness changes answers.
    Fix: Remove the random filter and lipsum(); call a method, with parentheses, instead of printing it.
    Source: https://jinja.palletsprojects.com/en/stable/templates/#jinja-filters.random
    """
    rendered(chat, [QUESTION])
    record.tested("chat", *["tools"] * features_of(chat).tools)
    raise_by_use(findings(chat))


def findings(chat: Chat) -> Iterator[Finding]:
    for messages, tools in conversations(chat):
        texts = [attempt(chat, messages, tools=tools, fresh=number > 0)[0] or "" for number in range(ROUNDS)]
        evidence = {"messages": messages, "renders": [shown(text) for text in texts[:2]]}
        if different := next((text for text in texts if text != texts[0]), None):
            start = max(0, len(common_prefix(texts[0], different)) - 20)
            summary = f"The same conversation renders differently each time, from {different[start : start + 60]!r} on."
            yield Defect(summary, evidence=evidence, uses=("tools",) if tools else ("chat",))
        elif found := OBJECT.search(texts[0]):
            summary = f"The template prints a Python object, {found[0]!r}, instead of its value."
            yield Defect(summary, evidence=evidence, uses=("tools",) if tools else ("chat",))


def conversations(chat: Chat) -> Iterator[tuple[list[Message], list[Any] | None]]:
    features = features_of(chat)
    yield [*([INSTRUCTION] if features.system else []), QUESTION, ANSWER, FOLLOW_UP], None
    if features.tools:
        yield [ASK, CALL, RESULT, REPLY], [WEATHER, CLOCK]
