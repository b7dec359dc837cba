"""Texts to whatever labels the caller names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fixtures.inputs.sentences import SENTENCES
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.scores import as_probabilities, sorted_down
from suites.pipelines.contracts.text_inputs import too_long

LABELS = ("sport", "food", "weather", "money")


def with_labels(pipe: Pipe) -> Mapping[str, Any]:
    return {"candidate_labels": list(LABELS)}


def problems(sample: str, answer: Any, pipe: Pipe) -> Iterator[str]:
    """The text, and all labels with probabilities that sum up to 1, the best first."""
    if sorted(answer["labels"]) != sorted(LABELS):
        yield f"the labels are {sorted(answer['labels'])}, asked for were {sorted(LABELS)}"
    yield from sorted_down(answer["scores"])
    yield from as_probabilities(answer["scores"], exclusive=True)
    if answer["sequence"] != sample:
        yield f"the answer is about {answer['sequence']!r}"


CONTRACTS = (
    Contract(
        tasks=("zero-shot-classification",),
        samples=lambda pipe: SENTENCES,
        problems=problems,
        options=with_labels,
        from_single=lambda output: output[0] if isinstance(output, list) else output,
        invalid_inputs=lambda pipe: {"a number": 3, "None": None, "an empty text": ""},
        long_input=too_long,
        meaning=lambda answer: str(answer["labels"][0]),
    ),
)
