"""Where answers stand in a rendered conversation."""

from __future__ import annotations

from dataclasses import dataclass

from fixtures.subjects.chat import Chat, Message, TemplateFails


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
