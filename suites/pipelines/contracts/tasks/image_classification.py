"""Pictures to labels and to vectors."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fixtures.inputs import images
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.tasks import text_classification

NOBODY = "http://127.0.0.1:9/picture.png"
"""An address that refuses at once, with and without a network."""


def everything(pipe: Pipe) -> Mapping[str, Any]:
    return {"top_k": pipe.model.config.num_labels}


def other_forms(picture: Any) -> dict[str, Any]:
    return {"path": images.as_file(picture, place("whole")), "base64": images.as_uri(picture)}


def no_pictures(pipe: Pipe) -> dict[str, Any]:
    from PIL import Image

    return {
        "a number": 3,
        "None": None,
        "a text": "a red disc",
        "an empty text": "",
        "a picture without pixels": Image.new("RGB", (0, 0)),
        "half a PNG file": images.as_file(images.drawn(images.KINDS[0]), place("half"), share=0.5),
        "an address that nobody answers": NOBODY,
    }


@cache
def _kept() -> tempfile.TemporaryDirectory[str]:
    """Removed when the process ends."""
    return tempfile.TemporaryDirectory(prefix="seatrial-")


def place(name: str) -> Path:
    place = Path(_kept().name) / name
    place.mkdir(exist_ok=True)
    return place


def feature_problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """1 x places x width, or 1 x width x rows x columns: finite numbers."""
    import numpy

    vectors = numpy.asarray(answer)
    if vectors.dtype.kind != "f" or vectors.ndim < 2 or vectors.shape[0] != 1 or not vectors.size:
        yield f"the features have the shape {list(vectors.shape)} for one picture"
    elif not numpy.isfinite(vectors).all():
        yield "the features hold values that are NaN or infinite"


CONTRACTS = (
    Contract(
        tasks=("image-classification",),
        samples=lambda pipe: images.pictures(),
        problems=text_classification.problems,
        options=everything,
        other_forms=other_forms,
        invalid_inputs=no_pictures,
        meaning=lambda answer: str(answer[0]["label"]),
    ),
    Contract(
        tasks=("image-feature-extraction",),
        samples=lambda pipe: images.pictures(),
        problems=feature_problems,
        other_forms=other_forms,
        invalid_inputs=no_pictures,
    ),
)
