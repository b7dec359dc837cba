"""Control markers in the renders of a template, with their token ids."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fixtures.inputs.conversations import ANSWER, FOLLOW_UP, INSTRUCTION, PLAIN, QUESTION
from fixtures.inputs.tools import ASK, CALL, REPLY, RESULT, WEATHER
from fixtures.templates.chat import Chat, Message, TemplateFails
from suites.chat_templates.evidence import encoded

SHAPE = re.compile(r"</?[|｜]?/?[A-Za-z][^\s<>=.]*>|\[/?[A-Z][A-Z_]+\]|<</?[A-Z]+>>")
"""`<|im_start|>`, `<｜User｜>`, `<start_of_turn>`, `</s>`, `<turn|>`, `[INST]`, `<<SYS>>`."""

ROLES = ("system", "user", "assistant")
PARTNERS = (("start", "end"), ("begin", "end"), ("START", "END"), ("BEGIN", "END"), ("[/", "["), ("</", "<"))

Shape = tuple[list[Message], dict[str, Any]]
TURNS: tuple[Shape, ...] = (
    *((messages, {}) for messages in PLAIN.values()),
    ([QUESTION], {"add_generation_prompt": True}),
    ([INSTRUCTION, QUESTION, ANSWER, FOLLOW_UP], {}),
)
"""Conversations that contain all turns of a template."""

WITH_TOOLS: tuple[Shape, ...] = (([ASK, CALL, RESULT, REPLY], {"tools": [WEATHER]}),)


@dataclass(frozen=True)
class Marker:
    """A control marker that the template writes."""

    text: str
    ids: list[int]
    """Ids of the marker alone."""
    render: str
    """The first render with the marker."""

    @property
    def whole(self) -> bool:
        return len(self.ids) == 1


def renders(chat: Chat, shapes: tuple[Shape, ...] = TURNS) -> Iterator[str]:
    """Renders of the conversations that the template accepts."""
    for messages, options in shapes:
        try:
            yield chat.render(messages, **options)
        except TemplateFails:
            continue  # reported by other checks


def markers(chat: Chat, shapes: tuple[Shape, ...] = TURNS) -> dict[str, Marker]:
    """All markers of these renders, in the order of their first appearance."""
    found: dict[str, Marker] = {}
    for text in renders(chat, shapes):
        for marker in SHAPE.findall(text):
            if marker not in found:
                found[marker] = Marker(marker, encoded(chat, marker), text)
    return found


def emitted(chat: Chat, shapes: tuple[Shape, ...] = TURNS + WITH_TOOLS) -> dict[int, str]:
    """Ids and texts of the added tokens in the renders of the template, except white space."""
    added = chat.tokenizer.added_tokens_decoder
    ids = {number for text in renders(chat, shapes) for number in encoded(chat, text) if number in added}
    return {number: added[number].content for number in sorted(ids) if not added[number].content.isspace()}


def loose_spelling(text: str) -> str:
    """The marker without case, bars, underscores, hyphens and spaces."""
    return re.sub(r"[\s_▁|/-]", "", unicodedata.normalize("NFKC", text).casefold())


def partners(text: str) -> list[str]:
    """The markers that would be the other half of a pair."""
    swaps = [(text, one, other) for pair in PARTNERS for one, other in (pair, pair[::-1])]
    changed = [text.replace(one, other, 1) for text, one, other in swaps if one in text]
    return [each for each in changed if each != text]


def markers_of_other_roles(text: str) -> list[str]:
    """The markers of the other roles, for a marker such as `<|system|>`."""
    role = next((role for role in ROLES if role in text), None)
    return [text.replace(role, other) for other in ROLES if other != role] if role else []
