"""Defects of streamed decoding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import edit_tokenizer
from selftests.gallery.registry import CHAT, mutant


def sequence_of(*decoders: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Sequence", "decoders": list(decoders)}


@mutant(
    "stream-stops-at-punctuation",
    "the decoder cleans up spaces before punctuation: a stream breaks off",
    number="K08",
    source="vllm-project/vllm#19449",
    base=CHAT,
    caught_by="tokenizers/stream-of-the-backend",
    severity="hazard",
    summary_contains=("DecodeStream", "decoder.decoders[1] (Replace)"),
)
def stream_stops_at_punctuation(directory: Path) -> None:
    clean = {"type": "Replace", "pattern": {"String": " ."}, "content": "."}
    edit_tokenizer(directory, lambda data: data.update(decoder=sequence_of(data["decoder"], clean)))


@mutant(
    "stream-loses-indentation",
    "the decoder strips the space before the first word: a stream loses one space of each indented line",
    number="K07",
    source="huggingface/transformers#28776",
    base=CHAT,
    caught_by="tokenizers/streams-what-it-decodes",
    severity="hazard",
    summary_contains=("TextStreamer", "decoder.decoders[1] (Strip)"),
)
def stream_loses_indentation(directory: Path) -> None:
    strip = {"type": "Strip", "content": " ", "start": 1, "stop": 0}
    edit_tokenizer(directory, lambda data: data.update(decoder=sequence_of(data["decoder"], strip)))
