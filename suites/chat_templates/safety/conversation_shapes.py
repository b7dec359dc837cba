"""Conversations into which words are planted: with all roles, without tools, and without a system message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fixtures.inputs.conversations import Message, assistant, system, user
from fixtures.inputs.tools import CALL, CALL_ID, WEATHER
from fixtures.sandbox.inspection import variables

NEEDLES = {
    "zephyrquill": "the system message",
    "wombatglow": "an earlier user message",
    "quartzfinch": "an assistant message",
    "brindlemoss": "the last user message",
    "tangerook": "a tool's result",
}
"""A word for each message that no template contains, and the message in words."""
FIRST, ASKED, ANSWERED, LAST, RESULT = NEEDLES


@dataclass(frozen=True)
class PlantedWord:
    """A word that is planted in messages."""

    word: str
    alone: bool = False
    """True if it is the whole content; else it follows the needle of the message."""
    only: str | None = None
    """The needle of the only message with the word; None for all messages."""

    def content(self, needle: str) -> str:
        if not self.word or (self.only and self.only != needle):
            return needle
        return self.word if self.alone else f"{needle} {self.word}"


def all_roles(planted: PlantedWord, parts: bool) -> dict[str, Any]:
    """Variables of a conversation with every role, which many templates render."""
    return variables(_shaped([system(planted.content(FIRST)), *_with_tool(planted)], parts=parts), tools=[WEATHER])


def with_system(planted: PlantedWord, parts: bool) -> dict[str, Any]:
    return variables(_shaped([system(planted.content(FIRST)), *_turns(planted)], parts=parts))


def plain(planted: PlantedWord, parts: bool) -> dict[str, Any]:
    return variables(_shaped(_turns(planted), parts=parts))


Shape = Callable[[PlantedWord, bool], dict[str, Any]]
SHAPES: tuple[Shape, ...] = (all_roles, with_system, plain)


def _with_tool(planted: PlantedWord) -> list[Message]:
    question, answer, follow_up = _turns(planted)
    result = {"role": "tool", "name": "get_weather", "tool_call_id": CALL_ID, "content": planted.content(RESULT)}
    return [question, CALL, result, answer, follow_up]


def _turns(planted: PlantedWord) -> list[Message]:
    return [user(planted.content(ASKED)), assistant(planted.content(ANSWERED)), user(planted.content(LAST))]


def _shaped(messages: list[Message], *, parts: bool) -> list[Message]:
    if not parts:
        return messages
    return [
        each | {"content": [{"type": "text", "text": each["content"]}]} if each["content"] else each
        for each in messages
    ]
