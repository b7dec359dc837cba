from __future__ import annotations

from typing import Any

from fixtures.subjects.subject import Subject
from suites.findings import Defect
from suites.generation.prompts import encoded, greedy, questions

NEW_TOKENS = 24


def test_greedy_deterministic(subject: Subject, tokenizer: Any, generator: Any) -> None:
    """Greedy generation of the same prompt gives the same tokens every time.

    Why: evaluation, caching and debugging rely on it; a layer left in training mode or state that leaks from one call
    into the next breaks it without an error.
    Fix: look for dropout outside of evaluation mode, and for a cache that survives the call.
    Source: https://huggingface.co/docs/transformers/generation_strategies (greedy search)
    """
    inputs = encoded(subject, tokenizer, questions(subject)[0])
    first, second = (greedy(generator, inputs, max_new_tokens=NEW_TOKENS) for _ in range(2))
    if first != second:
        position = next((i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), len(first))
        raise Defect(
            f"Two greedy generations of one prompt differ from new token {position} on.",
            evidence={"first": tokenizer.decode(first), "second": tokenizer.decode(second), "position": position},
        )
