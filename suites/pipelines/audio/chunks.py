"""Long audio that a pipeline processes in overlapping chunks."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Any

from fixtures.pipelines.pipe import Pipe
from suites.findings import NotApplicable

MIN_LENGTH = 1.2
"""Seconds of a chunk."""


def require_ctc(pipe: Pipe) -> None:
    """Raises `NotApplicable` unless the model has a CTC head. Generating models are not made for chunks and warn."""
    if getattr(pipe.library, "type", None) != "ctc":
        raise NotApplicable("only models with a CTC head support chunks with a time for each word")


def chunk_options(duration: float) -> dict[str, Any]:
    """Returns arguments that split audio of the given duration into about four chunks."""
    length = max(MIN_LENGTH, duration / 3)
    return {"chunk_length_s": length, "stride_length_s": length / 4}


def changed_words(whole: str, chunked: str) -> list[str]:
    """Describes the words that differ: changed, added or missing ones."""
    first, second = whole.split(), chunked.split()
    changes = SequenceMatcher(None, first, second, autojunk=False).get_opcodes()
    return [_change(" ".join(first[a:b]), " ".join(second[c:d])) for kind, a, b, c, d in changes if kind != "equal"]


def _change(before: str, after: str) -> str:
    if before and after:
        return f"{before!r} became {after!r}"
    return f"{after!r} was added" if after else f"{before!r} is missing"
