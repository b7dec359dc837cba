"""Positions of the assistant's answers in a rendered conversation."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fixtures.inputs.conversation_strategy import Conversation
from fixtures.templates.chat import Chat, Message, TemplateFails
from suites.chat_templates.generated_conversations import render

THOUGHT = re.compile(r"\s*(?:<think>.*?</think>)?\s*", re.DOTALL)
"""Reasoning and white space at the start of an answer, which training may leave out."""


@dataclass(frozen=True)
class Turn:
    """Positions of an answer in the rendered text, in characters."""

    opens: int
    """Earliest start of the assistant's turn: the end of the previous content."""
    prompt: int
    """End of the generation prompt, or `opens` if it is not known."""
    start: int
    end: int
    """Start and end of the answer."""
    closes: int
    """Start of the next content, or end of the text."""


def turns(chat: Chat, messages: list[Message], text: str) -> list[Turn] | None:
    """Positions of each answer; None if a content is not found."""
    positions: list[tuple[int, int]] = []
    for message in messages:
        content = str(message["content"]).strip()
        start = text.find(content, positions[-1][1] if positions else 0)
        if start < 0:
            return None
        positions.append((start, start + len(content)))
    closing = [start for start, _ in positions[1:]] + [len(text)]
    opening = [0] + [end for _, end in positions]
    return [
        Turn(opening[n], prompt_end(chat, messages[:n], text, opening[n]), *positions[n], closing[n])
        for n, message in enumerate(messages)
        if message["role"] == "assistant"
    ]


def prompt_end(chat: Chat, messages: list[Message], text: str, opens: int) -> int:
    """End of the generation prompt before an answer, or `opens` if the text does not start with it."""
    try:
        prompt = chat.render(messages, add_generation_prompt=True) if messages else ""
    except TemplateFails:
        return opens
    return max(opens, len(prompt)) if text.startswith(prompt) else opens


def tool_turns(chat: Chat, conversation: Conversation, text: str) -> list[Turn] | None:
    """Positions of answers in conversations with tools, in which a turn may consist of calls only.

    A turn runs from the end of its generation prompt to the end of the conversation up to it. None if the render of the
    longer conversation does not start with that of the shorter one.
    """
    positions: list[Turn] = []
    for number, message in enumerate(conversation.messages):
        if message["role"] != "assistant":
            continue
        before, upto = (Conversation(conversation.messages[:size], conversation.tools) for size in (number, number + 1))
        history, whole = render(chat, before), render(chat, upto)
        prompt = render(chat, before, add_generation_prompt=True)
        if not history or not prompt or not whole or not whole.startswith(prompt):
            return None
        if not text.startswith(whole.rstrip()):
            return None
        thought = THOUGHT.match(whole, len(prompt))
        start = thought.end() if thought else len(prompt)
        end = max(start, end_of_content(message, whole))
        positions.append(Turn(len(history), len(prompt), start, end, len(whole)))
    return positions or None


def end_of_content(message: Message, text: str) -> int:
    """End of the last content of a message, or of the last string argument of its calls."""
    arguments = [call["function"]["arguments"] for call in message.get("tool_calls") or []]
    words = [str(message["content"] or "").strip(), *(value for each in arguments for value in each.values())]
    return max(
        (text.rfind(each) + len(each) for each in words if isinstance(each, str) and each and each in text), default=0
    )
