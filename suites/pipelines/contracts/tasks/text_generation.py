"""Text generation: prompts to text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.text_inputs import NOT_TEXTS, leaked_special_tokens

PROMPTS = ("The capital of France is", "One, two, three, four,", "It rains. The streets of the town are wet, and")
NEW_TOKENS = 8


def greedily(pipe: Pipe) -> Mapping[str, Any]:
    return {"max_new_tokens": NEW_TOKENS, "do_sample": False, "return_full_text": False}


def samples(pipe: Pipe) -> Sequence[str]:
    return PROMPTS


def problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless the answer is one text without special tokens."""
    if len(answer) != 1 or not isinstance(answer[0].get("generated_text"), str):
        yield f"the answer has {len(answer)} texts, not one"
        return
    text = answer[0]["generated_text"]
    yield from leaked_special_tokens(pipe, text)


CONTRACTS = (
    Contract(
        tasks=("text-generation",),
        samples=samples,
        problems=problems,
        options=greedily,
        invalid_inputs=lambda pipe: NOT_TEXTS,
        meaning=lambda answer: str(answer[0]["generated_text"]),
    ),
)
