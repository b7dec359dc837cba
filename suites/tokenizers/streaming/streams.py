"""Comparison of a streamed text with the decoded one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from suites.evidence import around, escaped
from suites.tokenizers.evidence import case
from suites.tokenizers.tokenization_pipeline import component_state, pipeline

REPLACEMENT = "\ufffd"
LINES = "def f(x):\n    if x:\n        return 1\n\n  two\n four 你好 five\n"
"""Indented lines, where a streamer that decodes each line anew loses spaces."""


def cut(ids: Sequence[int], sizes: Sequence[int]) -> Iterator[list[int]]:
    """Splits the ids into pieces of these sizes, in turn."""
    start, number = 0, 0
    while start < len(ids):
        size = max(1, sizes[number % len(sizes)])
        yield list(ids[start : start + size])
        start, number = start + size, number + 1


def comparison(tokenizer: Any, text: str, ids: list[int], pieces: list[str], whole: str) -> tuple[str, dict[str, Any]]:
    """The difference between the streamed pieces and the decoded text in words, with evidence."""
    joined = "".join(pieces)
    was, now = around(whole, joined)
    what = f"{now} instead of {was}"
    if joined.count(REPLACEMENT) > whole.count(REPLACEMENT):
        what = f"the replacement character U+FFFD for a character that is not complete yet: {what}"
    shown = case(tokenizer, text, ids, decoded=escaped(whole, limit=400), streamed=escaped(joined, limit=400))
    return what, shown | {"pieces": [escaped(piece) for piece in pieces[:40]]}


def decoder_rule(tokenizer: Any, *kinds: str) -> str:
    """The first step of the decoder of one of these types, with its path in `tokenizer.json`; '' for none."""
    found = steps(pipeline(tokenizer).backend)
    return next((f"{path} ({kind})" for path, kind in found if kind in kinds), "")


def steps(backend: Any) -> Iterator[tuple[str, str]]:
    """Path and type of each step of the decoder."""
    settings = component_state(backend.decoder) if backend else None
    if not settings:
        return
    if settings["type"] != "Sequence":
        yield "decoder", settings["type"]
        return
    for number, step in enumerate(settings["decoders"]):
        yield f"decoder.decoders[{number}]", step["type"]
