"""Inputs to vectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.inputs.sentences import SENTENCES
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.text_inputs import NOT_TEXTS, too_long


def problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """1 x tokens x width finite numbers, a vector for each token of the text."""
    import numpy

    vectors = numpy.asarray(answer)
    tokens = min(len(pipe.tokenizer(sample)["input_ids"]), pipe.tokenizer.model_max_length)
    if vectors.ndim != 3 or vectors.shape[:2] != (1, tokens):
        yield f"the features have the shape {list(vectors.shape)}; the text has {tokens} tokens"
    if not numpy.isfinite(vectors).all():
        yield "the features hold values that are NaN or infinite"


def without_padding(alone: Any, together: Any) -> Any:
    """The vectors of the text's own tokens: in a batch the pipeline returns those of the padding too."""
    import numpy

    return numpy.asarray(together)[:, : numpy.asarray(alone).shape[1]]


CONTRACTS = (
    Contract(
        tasks=("feature-extraction",),
        samples=lambda pipe: SENTENCES,
        problems=problems,
        invalid_inputs=lambda pipe: NOT_TEXTS,
        long_input=too_long,
        from_batch=without_padding,
        truncation_options={"truncation": True},
    ),
)
