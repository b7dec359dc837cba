"""Where answers stand in a rendered conversation."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fixtures.inputs.conversation_strategy import Conversation
from fixtures.templates.chat import Chat, Message, TemplateFails
from suites.chat_templates.generated_conversations import render

THOUGHT = re.compile(r"\s*(?:<think>.*?</think>)?\s*", re.DOTALL)
"""What an answer may begin with and training may leave out."""


@dataclass(frozen=True)
class Turn:
    """Where an answer stands in the rendered text, in characters."""

    opens: int
    """Where the assistant's turn may begin at the earliest: behind the content before it."""
    prompt: int
    """Where the generation prompt ends, `opens` where that cannot be told."""
    start: int
    end: int
    """Start and end of what the assistant said."""
    closes: int
    """Where the next content begins, or the text ends."""


def turns(chat: Chat, messages: list[Message], text: str) -> list[Turn] | None:
    """Where each answer stands; None when a content is not found."""
    places: list[tuple[int, int]] = []
    for message in messages:
        content = str(message["content"]).strip()
        start = text.find(content, places[-1][1] if places else 0)
        if start < 0:
            return None
        places.append((start, start + len(content)))
    closing = [start for start, _ in places[1:]] + [len(text)]
    opening = [0] + [end for _, end in places]
    return [Turn(opening[n], prompt_end(chat, messages[:n], text, opening[n]), *places[n], closing[n])
            for n, message in enumerate(messages) if message["role"] == "assistant"]  # fmt: skip


def prompt_end(chat: Chat, messages: list[Message], text: str, opens: int) -> int:
    """Where the generation prompt before an answer ends, if the conversation's text starts with it."""
    try:
        prompt = chat.render(messages, add_generation_prompt=True) if messages else ""
    except TemplateFails:
        return opens
    return max(opens, len(prompt)) if text.startswith(prompt) else opens


def tool_turns(chat: Chat, conversation: Conversation, text: str) -> list[Turn] | None:
    """The same for conversations with tools, where a turn may be nothing but calls: told by their beginnings.

    A turn runs from the generation prompt for it to the end of the conversation up to it; None where the longer
    conversation does not begin with the shorter one.
    """
    places: list[Turn] = []
    for number, message in enumerate(conversation.messages):
        if message["role"] != "assistant":
            continue
        before, upto = (Conversation(conversation.messages[:size], conversation.tools) for size in (number, number + 1))
        asked, prompt, said = render(chat, before), render(chat, before, add_generation_prompt=True), render(chat, upto)
        if not asked or not prompt or not said or not text.startswith(said.rstrip()) or not said.startswith(prompt):
            return None
        thought = THOUGHT.match(said, len(prompt))
        start = thought.end() if thought else len(prompt)
        places.append(Turn(len(asked), len(prompt), start, max(start, last_word(message, said)), len(said)))
    return places or None


def last_word(message: Message, said: str) -> int:
    """Where the last words that a message brings end: its content, or a text among the arguments of its calls."""
    arguments = [call["function"]["arguments"] for call in message.get("tool_calls") or []]
    words = [str(message["content"] or "").strip(), *(value for each in arguments for value in each.values())]
    return max(
        (said.rfind(each) + len(each) for each in words if isinstance(each, str) and each and each in said), default=0
    )
