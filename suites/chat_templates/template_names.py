"""Templates of a subject by the name that findings use, and lists of lines in words."""

from __future__ import annotations

from fixtures.sandbox.inspection import Inspection, inspect
from fixtures.templates.chat import Chat


def templates(chat: Chat) -> dict[str, str]:
    """`{"The template": text}`, or of several named ones `{"The template 'tool_use'": text}`."""
    found = chat.tokenizer.chat_template
    if not isinstance(found, dict):
        return {"The template": str(found)}
    return {f"The template {name!r}": str(text) for name, text in found.items()}


def inspections(chat: Chat) -> dict[str, Inspection]:
    return {name: inspect(text) for name, text in templates(chat).items()}


def lines(numbers: list[int]) -> str:
    """'line 3', 'lines 3 and 7', 'lines 3, 7 and 9 and 4 more'."""
    shown = list(dict.fromkeys(numbers))
    if len(shown) == 1:
        return f"line {shown[0]}"
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
    return f"lines {', '.join(map(str, shown[: min(3, len(shown)) - 1]))} and {shown[min(3, len(shown)) - 1]}{more}"
