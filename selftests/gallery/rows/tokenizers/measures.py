"""Defects in the time that a tokenizer takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import edit_tokenizer
from selftests.gallery.registry import CHAT, mutant


@mutant(
    "quadratic-pattern",
    "a pattern looks through the whole rest of a word at every letter: time grows with the square of its length",
    number="R05",
    source="huggingface/tokenizers#2060",
    base=CHAT,
    caught_by="tokenizers/encoding-time-grows-linearly",
    severity="hazard",
    summary_contains=("power of", "one letter", "pre_tokenizer"),
)
def quadratic_pattern(directory: Path) -> None:
    split = {"type": "Split", "pattern": {"Regex": r"\p{L}+(?=\p{P})"}, "behavior": "Isolated", "invert": False}

    def change(data: dict[str, Any]) -> None:
        data["pre_tokenizer"]["pretokenizers"].insert(0, split)

    edit_tokenizer(directory, change)
