"""Long sounds that a pipeline reads in overlapping pieces."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Any

from fixtures.pipelines.pipe import Pipe
from suites.findings import Unsupported

SHORTEST = 1.2
"""Seconds of a piece."""


def needs_ctc(pipe: Pipe) -> None:
    """Other models generate text, and are not made for being read in pieces (they warn about it)."""
    if getattr(pipe.library, "type", None) != "ctc":
        raise Unsupported("only models with a CTC head are read in pieces, with a time for each word")


def in_pieces(duration: float) -> dict[str, Any]:
    """Arguments with which a sound of so many seconds is read in about four pieces."""
    length = max(SHORTEST, duration / 3)
    return {"chunk_length_s": length, "stride_length_s": length / 4}


def other_words(whole: str, pieces: str) -> list[str]:
    """What changes from one text to the other, in words: lost ones, and those that were not there."""
    first, second = whole.split(), pieces.split()
    changes = SequenceMatcher(None, first, second, autojunk=False).get_opcodes()
    return [_told(" ".join(first[a:b]), " ".join(second[c:d])) for kind, a, b, c, d in changes if kind != "equal"]


def _told(before: str, after: str) -> str:
    if before and after:
        return f"{before!r} became {after!r}"
    return f"{after!r} came in" if after else f"{before!r} went missing"
