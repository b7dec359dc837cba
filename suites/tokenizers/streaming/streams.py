"""Texts that are streamed, and what a stream gave."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from suites.evidence import around, escaped
from suites.tokenizers.evidence import case
from suites.tokenizers.tokenization_pipeline import component_state, pipeline

REPLACEMENT = "\ufffd"
LINES = "def f(x):\n    if x:\n        return 1\n\n  two\n four 你好 five\n"
"""Indented lines: where a streamer that starts anew at each line loses spaces."""


def cut(ids: Sequence[int], sizes: Sequence[int]) -> Iterator[list[int]]:
    """Pieces of the ids, of these sizes in turn."""
    start, turn = 0, 0
    while start < len(ids):
        size = max(1, sizes[turn % len(sizes)])
        yield list(ids[start : start + size])
        start, turn = start + size, turn + 1


def comparison(tokenizer: Any, text: str, ids: list[int], pieces: list[str], whole: str) -> tuple[str, dict[str, Any]]:
    """What differs between the pieces and the whole, in words, with the evidence."""
    joined = "".join(pieces)
    was, now = around(whole, joined)
    what = f"{now} where decoding gives {was}"
    if joined.count(REPLACEMENT) > whole.count(REPLACEMENT):
        what = f"the replacement character U+FFFD before a character is complete: {what}"
    shown = case(tokenizer, text, ids, decoded=escaped(whole, limit=400), streamed=escaped(joined, limit=400))
    return what, shown | {"pieces": [escaped(piece) for piece in pieces[:40]]}


def decoder_rule(tokenizer: Any, *kinds: str) -> str:
    """The first step of the decoder of one of these kinds, as its path in `tokenizer.json`; '' for none."""
    found = steps(pipeline(tokenizer).backend)
    return next((f"{path} ({kind})" for path, kind in found if kind in kinds), "")


def steps(backend: Any) -> Iterator[tuple[str, str]]:
    """Path and kind of each step of the decoder."""
    found = component_state(backend.decoder) if backend else None
    if not found:
        return
    if found["type"] != "Sequence":
        yield "decoder", found["type"]
        return
    for number, step in enumerate(found["decoders"]):
        yield f"decoder.decoders[{number}]", step["type"]
