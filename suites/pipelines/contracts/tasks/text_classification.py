"""Text classification: texts to labels with scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fixtures.inputs.sentences import SENTENCES
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.scores import as_probabilities, descending
from suites.pipelines.contracts.text_inputs import NOT_TEXTS, long_text


def samples(pipe: Pipe) -> Sequence[str]:
    return SENTENCES


def all_labels(pipe: Pipe) -> Mapping[str, Any]:
    return {"top_k": None}


def problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless the answer lists all labels of the config with their scores, best first."""
    labels = {str(name) for name in pipe.model.config.id2label.values()}
    if {entry["label"] for entry in answer} != labels:
        yield f"the labels are {sorted(entry['label'] for entry in answer)}, the config has {sorted(labels)}"
    scores = [entry["score"] for entry in answer]
    yield from descending(scores)
    config = pipe.model.config
    if config.problem_type != "regression" and not (config.num_labels == 1 and not config.problem_type):
        yield from as_probabilities(scores, exclusive=config.problem_type != "multi_label_classification")


CONTRACTS = (
    Contract(
        tasks=("text-classification",),
        samples=samples,
        problems=problems,
        options=all_labels,
        other_forms=lambda sample: {"dict": {"text": sample}},
        invalid_inputs=lambda pipe: NOT_TEXTS,
        long_input=long_text,
        truncation_options={"truncation": True},
        meaning=lambda answer: str(answer[0]["label"]),
    ),
)
