"""Text that a template adds under hidden conditions: in long conversations or messages, or on some days."""

from __future__ import annotations

import re

from fixtures.inputs.conversations import INSTRUCTION, QUESTION
from fixtures.sandbox.client import CLIENT
from fixtures.sandbox.inspection import (
    LONG_MESSAGE,
    LONG_MESSAGE_NAME,
    MANY_MESSAGES,
    MANY_MESSAGES_NAME,
    Inspection,
    variables,
)
from suites.chat_templates.differences import WORD, added, links, new_words
from suites.chat_templates.safety.triggers import INSTRUCTION_WORDS

CLOCKS = (
    "2024-02-12T09:30:00",
    "2025-07-05T00:10:00",
    "2026-11-28T17:45:00",
    "2028-01-01T12:00:00",
    "2033-09-16T23:59",
)
LONG_CONTENTS = tuple(dict.fromkeys(str(each["content"]).strip() for each in (*LONG_MESSAGE, *MANY_MESSAGES)))
WORDS_OF_CONTENTS = " ".join(dict.fromkeys(WORD.findall(" ".join(LONG_CONTENTS))))
DATES = re.compile(
    r"\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b|\b(mon|tue|wed|thu|fri|sat|sun)[a-z]*\b|\b[ap]m\b|\d",
    re.IGNORECASE,
)


def by_length(found: Inspection) -> tuple[str, str] | None:
    """Text that is only in the render of a long conversation or message, and the name of this conversation."""
    ends = {name: _without_contents(end["text"]) for name, end in found.renders if end.get("text")}
    for name in (MANY_MESSAGES_NAME, LONG_MESSAGE_NAME):
        others = " ".join(text for other, text in ends.items() if other != name)
        if others and _is_instruction(ends.get(name, ""), f"{others} {WORDS_OF_CONTENTS}"):
            return name, " ".join(dict.fromkeys(new_words(ends[name], f"{others} {WORDS_OF_CONTENTS}")))
    return None


def _without_contents(text: str) -> str:
    """The text without the contents of long conversations, in which a search for words would be slow."""
    for content in LONG_CONTENTS:
        text = text.replace(content, " ")
    return text


def by_clock(template: str, found: Inspection) -> tuple[str, str] | None:
    """A day on which the template adds or drops text besides the date, and this text."""
    if "strftime_now()" not in found.facts.get("constructs", {}):
        return None
    given = variables([INSTRUCTION, QUESTION])
    ends = CLIENT.ask(template, [{"variables": given, "clock": clock} for clock in CLOCKS])["renders"]
    texts = [DATES.sub("", end.get("text", "")) for end in ends]
    for clock, text in zip(CLOCKS[1:], texts[1:], strict=False):
        extra, less = added(texts[0], text, ""), added(text, texts[0], "")
        if _is_instruction(extra or less, ""):
            return clock[:10], extra or less
    return None


def _is_instruction(text: str, known: str) -> bool:
    addresses = [link for link in links(text) if link not in known]
    return bool(addresses) or len(set(new_words(text, known))) >= INSTRUCTION_WORDS
