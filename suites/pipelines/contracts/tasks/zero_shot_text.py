"""Zero-shot classification: texts to labels that the caller chooses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fixtures.inputs.sentences import SENTENCES
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.scores import as_probabilities, descending
from suites.pipelines.contracts.text_inputs import long_text

LABELS = ("sport", "food", "weather", "money")


def with_labels(pipe: Pipe) -> Mapping[str, Any]:
    return {"candidate_labels": list(LABELS)}


def problems(sample: str, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless the answer holds the text and all labels, best first, with valid probabilities."""
    if sorted(answer["labels"]) != sorted(LABELS):
        yield f"the labels are {sorted(answer['labels'])}, the candidate labels are {sorted(LABELS)}"
    yield from descending(answer["scores"])
    yield from as_probabilities(answer["scores"], exclusive=True)
    if answer["sequence"] != sample:
        yield f"the answer is about another text: {answer['sequence']!r}"


CONTRACTS = (
    Contract(
        tasks=("zero-shot-classification",),
        samples=lambda pipe: SENTENCES,
        problems=problems,
        options=with_labels,
        from_single=lambda output: output[0] if isinstance(output, list) else output,
        invalid_inputs=lambda pipe: {"a number": 3, "None": None, "an empty text": ""},
        long_input=long_text,
        meaning=lambda answer: str(answer["labels"][0]),
    ),
)
