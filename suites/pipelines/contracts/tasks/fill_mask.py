"""Masked language models: words for a mask token."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.scores import as_probabilities, descending
from suites.pipelines.contracts.text_inputs import NOT_TEXTS, long_text

GAPS = (
    "The capital of France is {}.",
    "{} rains.",
    "She put the {} on the table and opened the window, because it was a warm evening.",
)


def samples(pipe: Pipe) -> list[str]:
    return [text.format(pipe.tokenizer.mask_token) for text in GAPS]


def problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless tokens have sorted probabilities and complete the text."""
    if pipe.tokenizer.mask_token == pipe.tokenizer.unk_token:
        yield f"tokenizer_config.json has {pipe.tokenizer.mask_token!r} as mask_token, which is also the unknown token"
    scores = [entry["score"] for entry in answer]
    yield from descending(scores)
    yield from as_probabilities(scores, exclusive=False)
    for entry in answer:
        if entry["token_str"].strip() != pipe.tokenizer.decode([entry["token"]]).strip():
            yield f"token {entry['token']} is {pipe.tokenizer.decode([entry['token']])!r}, not {entry['token_str']!r}"
        if pipe.tokenizer.mask_token in entry["sequence"]:
            yield f"the mask is still in the sequence {entry['sequence']!r}"


CONTRACTS = (
    Contract(
        tasks=("fill-mask",),
        samples=samples,
        problems=problems,
        long_input=long_text,
        long_input_prefix=lambda pipe: f"{pipe.tokenizer.mask_token} ",
        truncation_options={"tokenizer_kwargs": {"truncation": True}},
        unwraps_single_lists=True,
        meaning=lambda answer: str(answer[0]["token_str"]),
        invalid_inputs=lambda pipe: {**NOT_TEXTS, "a text without a mask": "There is no gap."},
    ),
)
