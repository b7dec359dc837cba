"""The first difference of a render from the family's format, and the part of the format that it is in."""

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
    """Part of the format, such as `the header of a user's turn`."""
    expected: str
    actual: str
    at: int
    """Position of the first character that differs."""
    loses_system: bool = False
    """True if the system message is missing."""

    @property
    def shown(self) -> tuple[str, str]:
        """Text around the difference, in the format and in the render."""
        around = slice(max(0, self.at - BEFORE), self.at + AFTER)
        return self.expected[around], self.actual[around]


ROLES = {"user", "assistant", "system", "model", "developer", "tool"}


def template_renders(chat: Chat) -> TemplateRenders:
    """The renders of a template, as the references read them."""

    def render(messages: list[Message], prompt: bool) -> str | None:
        try:
            return chat.render(messages, add_generation_prompt=prompt)
        except TemplateFails:
            return None

    tokens = frozenset(token.content for token in chat.tokenizer.added_tokens_decoder.values())
    return TemplateRenders(render, chat.tokenizer.bos_token or "", chat.tokenizer.eos_token or "", tokens)


def family_of(chat: Chat) -> Recognised | None:
    """The family of a template, recognised once."""
    found: Recognised | None = chat.once("family", lambda each: recognise(template_renders(each)))
    return found


def deviation(found: Recognised, messages: list[Message], actual: str, *, prompt: bool) -> Deviation | None:
    """The first difference from the format; None if there is none, or if the template adds words of its own.

    `content-verbatim` and the capabilities report contents that are changed or lost, except for a system message that
    only some conversations lose (`loses_system`).
    """
    expected = found.expected(messages, prompt=prompt)
    if expected is None or expected == actual or alike(found, messages, actual, prompt=prompt):
        return None
    lost = [message["role"] for message in messages if str(message["content"]) not in actual]
    at = first_difference(expected, actual)
    if lost == ["system"]:
        return Deviation("the system message", expected, actual, at, loses_system=True)
    start, part, inside = _part_at(found, messages, at, prompt=prompt)
    if lost or _changes_content(found.pieces(messages, prompt=prompt), actual, at):
        return None
    if (not inside and _adds_words(found, messages, actual, at)) or _foreign_role(found, part, actual[start:]):
        return None
    return Deviation(part.label, expected, actual, at)


def _part_at(found: Recognised, messages: list[Message], at: int, *, prompt: bool) -> tuple[int, Piece, bool]:
    """Start and piece of the part of the format at a position, and True if the position is inside of it.

    At the first character of a content this is the part before, which is too long in the render.
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
    """True if the position is inside a content, or if the content is not complete before the following part."""
    before = 0
    for piece, following in zip(pieces, [*pieces[1:], Piece("the end", "")], strict=True):
        if piece.label == CONTENT and before <= at < before + len(piece.text):
            end = actual.find(following.text.strip(), at) if following.text.strip() else len(actual)
            return before < at or piece.text not in actual[at : end if end >= 0 else None]
        before += len(piece.text)
    return False


def _adds_words(found: Recognised, messages: list[Message], actual: str, at: int) -> bool:
    """True if the template adds words of its own next to a content, as guard models do."""
    positions = [actual.find(str(message["content"]), at) for message in messages]
    inserted = actual[at : min((each for each in positions if each >= 0), default=len(actual))]
    known = " ".join((*found.family.user, *found.family.answer, *(found.family.system or ())))
    return any(word not in known for word in re.findall(r"[^\W\d_]{2,}", inserted))


def _foreign_role(found: Recognised, part: Piece, actual: str) -> bool:
    """True if the header is right but for the name of a role that only this model has."""
    known = ROLES if found.family.vendor else ()
    for role in ROLES & set(re.findall(r"\w+", part.text)):
        pattern = re.escape(part.text).replace(role, r"([^\W\d_][\w ]*)", 1)
        if (header := re.match(pattern, actual)) and header[1] not in known:
            return True
    return False


def evidence(found: Recognised, name: str, messages: list[Message], seen: Deviation, *, prompt: bool) -> dict[str, Any]:
    expected, actual = seen.shown
    return {
        "family": found.family.name,
        "format": found.family.source,
        "learned variants": found.style.described(),
        "conversation": name,
        "messages": messages,
        "add_generation_prompt": prompt,
        "differs at": seen.at,
        "expected there": expected,
        "rendered there": actual,
        "expected": seen.expected[:2000],
        "rendered": seen.actual[:2000],
    }
