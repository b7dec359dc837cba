"""Images to labels and to vectors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fixtures.inputs import images
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.image_inputs import image_forms, invalid_images
from suites.pipelines.contracts.tasks import text_classification


def all_labels(pipe: Pipe) -> Mapping[str, Any]:
    return {"top_k": pipe.model.config.num_labels}


def feature_problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless features are finite numbers (1 x positions x width, or 1 x width x rows x columns)."""
    import numpy

    vectors = numpy.asarray(answer)
    if vectors.dtype.kind != "f" or vectors.ndim < 2 or vectors.shape[0] != 1 or not vectors.size:
        yield f"the features have the shape {list(vectors.shape)} for one image"
    elif not numpy.isfinite(vectors).all():
        yield "the features hold values that are NaN or infinite"


CONTRACTS = (
    Contract(
        tasks=("image-classification",),
        samples=lambda pipe: images.pictures(),
        problems=text_classification.problems,
        options=all_labels,
        other_forms=image_forms,
        invalid_inputs=invalid_images,
        meaning=lambda answer: str(answer[0]["label"]),
    ),
    Contract(
        tasks=("image-feature-extraction",),
        samples=lambda pipe: images.pictures(),
        problems=feature_problems,
        other_forms=image_forms,
        invalid_inputs=invalid_images,
    ),
)
