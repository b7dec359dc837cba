"""Conversations that grow turn by turn, with the renders before and after each turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fixtures.inputs.conversations import ANSWER, FOLLOW_UP, QUESTION, SECOND_ANSWER
from fixtures.inputs.tools import ASK, CALL, REPLY, RESULT, THANKS, WEATHER
from fixtures.templates.chat import Chat, Message
from suites.chat_templates.evidence import common_prefix
from suites.chat_templates.generated_conversations import features_of
from suites.chat_templates.probes import attempt

THOUGHT = "They ask for a fact that I know."


@dataclass(frozen=True, eq=False)
class Step:
    """A conversation, with its render and the render without its last message."""

    name: str
    messages: list[Message]
    earlier: str
    later: str
    prompt: str | None
    """Render of the earlier conversation with a generation prompt; None if it fails."""

    @property
    def message(self) -> Message:
        return self.messages[-1]

    def shared_prefix(self, text: str) -> str:
        """The beginning that a text shares with the later render."""
        return common_prefix(text, self.later)


def steps(chat: Chat) -> list[Step]:
    """All steps that render, of all conversations that the template supports."""
    return chat.once("steps", lambda each: list(_steps(each)))


def _steps(chat: Chat) -> Iterator[Step]:
    for name, messages, tools in _conversations(chat):
        for count in range(1, len(messages)):
            earlier, later = (attempt(chat, messages[:size], tools=tools)[0] for size in (count, count + 1))
            if earlier is not None and later is not None:
                prompt = attempt(chat, messages[:count], tools=tools, add_generation_prompt=True)[0]
                yield Step(name, messages[: count + 1], earlier, later, prompt)


def _conversations(chat: Chat) -> Iterator[tuple[str, list[Message], list[Any] | None]]:
    features = features_of(chat)
    yield "plain", [QUESTION, ANSWER, FOLLOW_UP, SECOND_ANSWER, QUESTION], None
    if features.tools:
        yield "with tools", [ASK, CALL, RESULT, REPLY, THANKS], [WEATHER]
    if features.reasoning and not features.tools:
        yield "with thoughts", [QUESTION, with_thought(ANSWER), FOLLOW_UP, with_thought(SECOND_ANSWER)], None
    if features.reasoning and features.tools:
        yield "with thoughts and tools", [ASK, with_thought(CALL), RESULT, with_thought(REPLY), THANKS], [WEATHER]


def with_thought(message: Message) -> Message:
    return message | {"reasoning_content": THOUGHT, "thinking": THOUGHT}


def without_ending(chat: Chat, text: str) -> str:
    """A render without white space and end-of-sequence token at its end (Phi-3 adds one)."""
    return text.rstrip().removesuffix(chat.tokenizer.eos_token or "").rstrip()
