"""Where a render first departs from the family's reference, and in which part of the format that is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from fixtures.references.chat.family import CONTENT
from fixtures.references.chat.learning import common
from fixtures.references.chat.recognition import Recognised, recognise
from fixtures.references.chat.speaker import Speaker
from fixtures.subjects.chat import Chat, Message, TemplateFails

BEFORE, AFTER = 48, 24
"""Characters shown on both sides of the first difference."""


@dataclass(frozen=True)
class Deviation:
    """The first difference in one conversation."""

    part: str
    """Of the format: `the header of a user's turn`."""
    expected: str
    actual: str
    at: int
    """The first character that differs."""
    loses_system: bool = False

    @property
    def shown(self) -> tuple[str, str]:
        """What stands around the difference: as the format has it, and as the template writes it."""
        around = slice(max(0, self.at - BEFORE), self.at + AFTER)
        return self.expected[around], self.actual[around]


def speaker_of(chat: Chat) -> Speaker:
    """The template, as the references listen to it."""

    def render(messages: list[Message], opens: bool) -> str | None:
        try:
            return chat.render(messages, add_generation_prompt=opens)
        except TemplateFails:
            return None

    return Speaker(render, chat.tokenizer.bos_token or "", chat.tokenizer.eos_token or "")


def family_of(chat: Chat) -> Recognised | None:
    """The family of a template, found out once."""
    found: Recognised | None = chat.once("family", lambda each: recognise(speaker_of(each)))
    return found


def deviation(found: Recognised, messages: list[Message], actual: str, *, opens: bool) -> Deviation | None:
    """None where both agree, where the reference covers nothing, and where contents are changed.

    That a content is changed or lost is told by `content-verbatim` and by the capabilities, but for a system message
    that only some conversations lose: `loses_system`.
    """
    expected = found.expected(messages, opens=opens)
    if expected is None or expected == actual:
        return None
    lost = [message["role"] for message in messages if str(message["content"]) not in actual]
    at = common(expected, actual)
    if lost == ["system"]:
        return Deviation("the system message", expected, actual, at, loses_system=True)
    if lost or _adds_words(found, messages, actual, at, opens=opens):
        return None
    return Deviation(_part(found, messages, at, opens=opens), expected, actual, at)


def _part(found: Recognised, messages: list[Message], at: int, *, opens: bool) -> str:
    """The part of the format that holds a position; of a content's first character, the part before it."""
    before, part = 0, "the start"
    for piece in found.pieces(messages, opens=opens):
        if piece.label != CONTENT:
            part = piece.label
        if at < before + len(piece.text) or (at == before and piece.label == CONTENT):
            return part
        before += len(piece.text)
    return "the end"


def _adds_words(found: Recognised, messages: list[Message], actual: str, at: int, *, opens: bool) -> bool:
    """Whether the template puts a text of its own into a turn, as those of guard models do: no matter of format."""
    inserted = actual[at : _next_content(messages, actual, at)]
    known = " ".join(piece.text for piece in found.pieces(messages, opens=opens) if piece.label != CONTENT)
    words = [word for word in re.findall(r"[^\W\d_]{2,}", inserted) if word not in known]
    return len(words) >= 3


def _next_content(messages: list[Message], actual: str, at: int) -> int:
    places = [actual.find(str(message["content"]), at) for message in messages]
    return min((place for place in places if place >= 0), default=len(actual))


def evidence(found: Recognised, name: str, messages: list[Message], seen: Deviation, *, opens: bool) -> dict[str, Any]:
    expected, actual = seen.shown
    return {"family": found.family.name, "format": found.family.source, "learned variants": found.style.described(),
            "conversation": name, "messages": messages, "add_generation_prompt": opens, "differs at": seen.at,
            "expected there": expected, "rendered there": actual, "expected": seen.expected[:2000],
            "rendered": seen.actual[:2000]}  # fmt: skip
