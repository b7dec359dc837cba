from __future__ import annotations

import re
from collections.abc import Iterator

from fixtures.inputs.conversations import ANSWER, FOLLOW_UP, INSTRUCTION, QUESTION
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat
from suites.chat_templates.evidence import rendered, shown
from suites.chat_templates.probes import attempt
from suites.findings import Defect, Finding, raise_findings

FIRST = re.compile(r"\s*(<[^<>\s][^<>]*>)")
BEGINNING = re.compile(r"<s>|bos|begin_?of_?(?:text|sentence)|start_?of_?text", re.IGNORECASE)


@uses("chat", "system")
def test_one_start_of_text(assistant_chat: Chat) -> None:
    """The marker that begins the text stands in it once, with a system message and without.

    Why: models are trained with exactly one BOS, which attention relies on; none or two silently cost quality.
    Fix: Write {{ bos_token }} once, at the start of the template and outside of every condition and loop.
    Source: https://huggingface.co/docs/transformers/chat_templating;
        https://github.com/huggingface/transformers/issues/37686
    """
    chat = assistant_chat
    rendered(chat, [QUESTION])
    raise_findings([*twice(chat), *only_with_system(chat)])


def twice(chat: Chat) -> Iterator[Finding]:
    """A defect if the first marker occurs more than once, and not more often in a longer conversation."""
    texts = [attempt(chat, messages)[0] for messages in ([QUESTION], [QUESTION, ANSWER, FOLLOW_UP])]
    short, long = (text or "" for text in texts)
    first = FIRST.match(short)
    if first and long and short.count(first[1]) == long.count(first[1]) > 1:
        summary = f"The prompt begins with {first[1]}, and has it {short.count(first[1])} times."
        yield Defect(summary, evidence={"render": shown(short)}, uses=("chat",))


def only_with_system(chat: Chat) -> Iterator[Finding]:
    """A defect if the text begins with a BOS only where there is a system message."""
    with_system, without = attempt(chat, [INSTRUCTION, QUESTION])[0], attempt(chat, [QUESTION])[0]
    first = FIRST.match(with_system or "")
    if first and without is not None and BEGINNING.search(first[1]) and first[1] not in without:
        summary = f"The prompt begins with {first[1]} only if there is a system message."
        yield Defect(summary, evidence={"with": shown(with_system or ""), "without": shown(without)}, uses=("chat",))
