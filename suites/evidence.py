"""Evidence of findings in several suites: texts, ids and token strings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fixtures.text.differences import first_difference


def escaped(text: str, *, limit: int = 80) -> str:
    """The text with everything but printable ASCII escaped, cut in the middle when long."""
    shown = ascii(text)
    return shown if len(shown) <= limit else f"{shown[: limit // 2]}…{shown[-limit // 2 :]}"


def tokens(tokenizer: Any, ids: Sequence[int]) -> list[str | None]:
    """The token strings of some ids."""
    return list(tokenizer.convert_ids_to_tokens(list(ids)))


def around(left: str, right: str, *, width: int = 12) -> tuple[str, str]:
    """Two texts at their first difference, with some context; both escaped."""
    start = first_difference(left, right)
    return tuple(escaped(text[max(0, start - width) : start + width]) for text in (left, right))  # type: ignore[return-value]


def finite(value: float) -> float | None:
    """The number as JSON has it; None for infinity and NaN."""
    return value if value < float("inf") else None
