"""Where a render first departs from the family's reference, and in which part of the format that is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from fixtures.references.chat.family import CONTENT, Piece
from fixtures.references.chat.recognition import Recognised, alike, recognise
from fixtures.references.chat.template_renders import TemplateRenders
from fixtures.templates.chat import Chat, Message, TemplateFails
from fixtures.text.differences import first_difference

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


ROLES = {"user", "assistant", "system", "model", "developer", "tool"}


def template_renders(chat: Chat) -> TemplateRenders:
    """The template, as the references listen to it."""

    def render(messages: list[Message], prompt: bool) -> str | None:
        try:
            return chat.render(messages, add_generation_prompt=prompt)
        except TemplateFails:
            return None

    tokens = frozenset(token.content for token in chat.tokenizer.added_tokens_decoder.values())
    return TemplateRenders(render, chat.tokenizer.bos_token or "", chat.tokenizer.eos_token or "", tokens)


def family_of(chat: Chat) -> Recognised | None:
    """The family of a template, found out once."""
    found: Recognised | None = chat.once("family", lambda each: recognise(template_renders(each)))
    return found


def deviation(found: Recognised, messages: list[Message], actual: str, *, prompt: bool) -> Deviation | None:
    """None where both agree, where the reference covers nothing, and where the template has words of its own.

    That a content is changed or lost is told by `content-verbatim` and by the capabilities, but for a system message
    that only some conversations lose: `loses_system`.
    """
    expected = found.expected(messages, prompt=prompt)
    if expected is None or expected == actual or alike(found, messages, actual, prompt=prompt):
        return None
    lost = [message["role"] for message in messages if str(message["content"]) not in actual]
    at = first_difference(expected, actual)
    if lost == ["system"]:
        return Deviation("the system message", expected, actual, at, loses_system=True)
    before, part, inside = _place(found, messages, at, prompt=prompt)
    if lost or _changes_content(found.pieces(messages, prompt=prompt), actual, at):
        return None
    if (not inside and _adds_words(found, messages, actual, at)) or _foreign_role(found, part, actual[before:]):
        return None
    return Deviation(part.label, expected, actual, at)


def _place(found: Recognised, messages: list[Message], at: int, *, prompt: bool) -> tuple[int, Piece, bool]:
    """Where the part of the format begins that holds a position, the part, and whether the position is inside it.

    Of a content's first character it is the part before, which is longer than it should be.
    """
    before, last = 0, (0, Piece("the start", ""))
    for piece in found.pieces(messages, prompt=prompt):
        if piece.label != CONTENT:
            last = (before, piece)
        if at < before + len(piece.text):
            return *last, piece.label != CONTENT and at > before
        before += len(piece.text)
    return *last, False


def _changes_content(pieces: list[Piece], actual: str, at: int) -> bool:
    """Whether a position lies in a content, or before one that does not come in front of what should end it."""
    before = 0
    for piece, following in zip(pieces, [*pieces[1:], Piece("the end", "")], strict=True):
        if piece.label == CONTENT and before <= at < before + len(piece.text):
            end = actual.find(following.text.strip(), at) if following.text.strip() else len(actual)
            return before < at or piece.text not in actual[at : end if end >= 0 else None]
        before += len(piece.text)
    return False


def _adds_words(found: Recognised, messages: list[Message], actual: str, at: int) -> bool:
    """Whether the template puts words of its own beside a content, as those of guard models do: no matter of format."""
    places = [actual.find(str(message["content"]), at) for message in messages]
    inserted = actual[at : min((place for place in places if place >= 0), default=len(actual))]
    known = " ".join((*found.family.user, *found.family.answer, *(found.family.system or ())))
    return any(word not in known for word in re.findall(r"[^\W\d_]{2,}", inserted))


def _foreign_role(found: Recognised, part: Piece, actual: str) -> bool:
    """Whether the header is as it should be, for a role that only this model has."""
    known = ROLES if found.family.vendor else ()
    for role in ROLES & set(re.findall(r"\w+", part.text)):
        pattern = re.escape(part.text).replace(role, r"([^\W\d_][\w ]*)", 1)
        if (header := re.match(pattern, actual)) and header[1] not in known:
            return True
    return False


def evidence(found: Recognised, name: str, messages: list[Message], seen: Deviation, *, prompt: bool) -> dict[str, Any]:
    expected, actual = seen.shown
    return {"family": found.family.name, "format": found.family.source, "learned variants": found.style.described(),
            "conversation": name, "messages": messages, "add_generation_prompt": prompt, "differs at": seen.at,
            "expected there": expected, "rendered there": actual, "expected": seen.expected[:2000],
            "rendered": seen.actual[:2000]}  # fmt: skip
