"""Evidence of findings in this suite: a text with its ids and token strings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from suites.evidence import escaped, tokens

SHORT, MANY = 40, 60
"""Texts of at most so many characters are shown as code points too; of ids, so many."""


def case(tokenizer: Any, text: str, ids: Sequence[int], **more: Any) -> dict[str, Any]:
    """A text that shows a finding: escaped, as code points where it is short, with its ids and token strings."""
    points = {"code points": " ".join(f"U+{ord(each):04X}" for each in text)} if len(text) <= SHORT else {}
    shown = list(ids[:MANY])
    return {"text": escaped(text, limit=400), **points, "ids": shown, "tokens": tokens(tokenizer, shown), **more}
