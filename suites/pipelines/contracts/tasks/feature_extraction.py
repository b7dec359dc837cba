"""Feature extraction: texts to vectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.inputs.sentences import SENTENCES
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.text_inputs import NOT_TEXTS, long_text


def problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless each token has a vector of finite numbers (1 x tokens x width)."""
    import numpy

    vectors = numpy.asarray(answer)
    tokens = min(len(pipe.tokenizer(sample)["input_ids"]), pipe.tokenizer.model_max_length)
    if vectors.ndim != 3 or vectors.shape[:2] != (1, tokens):
        yield f"the features have the shape {list(vectors.shape)}; the text has {tokens} tokens"
    if not numpy.isfinite(vectors).all():
        yield "the features hold values that are NaN or infinite"


def without_padding(alone: Any, together: Any) -> Any:
    """Returns the vectors of the text's own tokens: in a batch, the pipeline also returns those of the padding."""
    import numpy

    return numpy.asarray(together)[:, : numpy.asarray(alone).shape[1]]


CONTRACTS = (
    Contract(
        tasks=("feature-extraction",),
        samples=lambda pipe: SENTENCES,
        problems=problems,
        invalid_inputs=lambda pipe: NOT_TEXTS,
        long_input=long_text,
        from_batch=without_padding,
        truncation_options={"truncation": True},
    ),
)
