"""Conversations in which words are said: with a system message, and with a tool."""

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
class Said:
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


def plain(said: Said, parts: bool) -> dict[str, Any]:
    return variables(_shaped([system(said.content(FIRST)), *_turns(said)], parts=parts))


def without_system(said: Said, parts: bool) -> dict[str, Any]:
    return variables(_shaped(_turns(said), parts=parts))


def with_tool(said: Said, parts: bool) -> dict[str, Any]:
    question, answer, follow_up = _turns(said)
    result = {"role": "tool", "name": "get_weather", "tool_call_id": CALL_ID, "content": said.content(RESULT)}
    return variables(_shaped([question, CALL, result, answer, follow_up], parts=parts), tools=[WEATHER])


SHAPES: tuple[Callable[[Said, bool], dict[str, Any]], ...] = (plain, without_system, with_tool)


def _turns(said: Said) -> list[Message]:
    return [user(said.content(ASKED)), assistant(said.content(ANSWERED)), user(said.content(LAST))]


def _shaped(messages: list[Message], *, parts: bool) -> list[Message]:
    if not parts:
        return messages
    return [
        each | {"content": [{"type": "text", "text": each["content"]}]} if each["content"] else each
        for each in messages
    ]
