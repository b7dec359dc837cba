"""Conversations in which words are said: by everybody, without a tool, and without a system message."""

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
"""A word that no template holds for each message, and what that message is."""
FIRST, ASKED, ANSWERED, LAST, RESULT = NEEDLES


@dataclass(frozen=True)
class PlantedWord:
    """A word, and how it stands in messages."""

    word: str
    alone: bool = False
    """It is the whole content; else it follows the message's needle."""
    only: str | None = None
    """The needle of the only message that holds it; else all do."""

    def content(self, needle: str) -> str:
        if not self.word or (self.only and self.only != needle):
            return needle
        return self.word if self.alone else f"{needle} {self.word}"


def everything(said: PlantedWord, parts: bool) -> dict[str, Any]:
    """Every role in one conversation, which many templates render."""
    return variables(_shaped([system(said.content(FIRST)), *_with_tool(said)], parts=parts), tools=[WEATHER])


def with_system(said: PlantedWord, parts: bool) -> dict[str, Any]:
    return variables(_shaped([system(said.content(FIRST)), *_turns(said)], parts=parts))


def plain(said: PlantedWord, parts: bool) -> dict[str, Any]:
    return variables(_shaped(_turns(said), parts=parts))


Shape = Callable[[PlantedWord, bool], dict[str, Any]]
SHAPES: tuple[Shape, ...] = (everything, with_system, plain)


def _with_tool(said: PlantedWord) -> list[Message]:
    question, answer, follow_up = _turns(said)
    result = {"role": "tool", "name": "get_weather", "tool_call_id": CALL_ID, "content": said.content(RESULT)}
    return [question, CALL, result, answer, follow_up]


def _turns(said: PlantedWord) -> list[Message]:
    return [user(said.content(ASKED)), assistant(said.content(ANSWERED)), user(said.content(LAST))]


def _shaped(messages: list[Message], *, parts: bool) -> list[Message]:
    if not parts:
        return messages
    return [
        each | {"content": [{"type": "text", "text": each["content"]}]} if each["content"] else each
        for each in messages
    ]
