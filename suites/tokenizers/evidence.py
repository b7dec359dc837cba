"""How findings of this suite show texts, ids and tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fixtures.text.differences import first_difference

SHORT, MANY = 40, 60
"""Texts of at most so many characters are shown as code points too; of ids, so many."""


def escaped(text: str, *, limit: int = 80) -> str:
    """The text with everything but printable ASCII escaped, cut in the middle when long."""
    shown = ascii(text)
    return shown if len(shown) <= limit else f"{shown[: limit // 2]}…{shown[-limit // 2 :]}"


def case(tokenizer: Any, text: str, ids: Sequence[int], **more: Any) -> dict[str, Any]:
    """A text that shows a finding: escaped, as code points where it is short, with its ids and token strings."""
    points = {"code points": " ".join(f"U+{ord(each):04X}" for each in text)} if len(text) <= SHORT else {}
    shown = list(ids[:MANY])
    return {"text": escaped(text, limit=400), **points, "ids": shown, "tokens": tokens(tokenizer, shown), **more}


def tokens(tokenizer: Any, ids: Sequence[int]) -> list[str | None]:
    """The token strings of some ids."""
    return list(tokenizer.convert_ids_to_tokens(list(ids)))


def around(left: str, right: str, *, width: int = 12) -> tuple[str, str]:
    """Where two texts part, with some context; both escaped."""
    start = first_difference(left, right)
    return tuple(escaped(text[max(0, start - width) : start + width]) for text in (left, right))  # type: ignore[return-value]
