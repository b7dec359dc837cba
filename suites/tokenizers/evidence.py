"""Evidence of findings about a text: the text with its ids and token strings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from suites.evidence import escaped, tokens

CODE_POINTS_UP_TO, IDS_SHOWN = 40, 60
"""Longest text that is also shown as code points; number of ids that are shown."""


def case(tokenizer: Any, text: str, ids: Sequence[int], **more: Any) -> dict[str, Any]:
    """A text that shows a finding: escaped, as code points if it is short, with its ids and token strings."""
    points = {"code points": " ".join(f"U+{ord(each):04X}" for each in text)} if len(text) <= CODE_POINTS_UP_TO else {}
    shown = list(ids[:IDS_SHOWN])
    return {"text": escaped(text, limit=400), **points, "ids": shown, "tokens": tokens(tokenizer, shown), **more}
