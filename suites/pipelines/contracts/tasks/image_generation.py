"""Image generation with diffusers, with or without a prompt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract

PROMPTS = ("a red disc", "a ring", "a green disc on a white table, in the evening")
LARGEST = 1.0 + 1e-6


def problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless the image has values from 0 to 1 and the size that its components state."""
    import numpy

    if not isinstance(answer, numpy.ndarray) or answer.ndim != 3 or answer.shape[-1] not in (1, 3, 4):
        yield f"the image has the shape {list(numpy.shape(answer))}"
        return
    if not numpy.isfinite(answer).all():
        yield "the image holds values that are NaN or infinite"
    elif answer.min() < 0 or answer.max() > LARGEST:
        yield f"the image has values from {answer.min():.3g} to {answer.max():.3g}, not from 0 to 1"
    rows, columns = answer.shape[:2]
    if (wanted := declared_size(pipe)) and (rows, columns) != wanted:
        yield f"the image has {columns} x {rows} pixels, the components say {wanted[1]} x {wanted[0]}"


def declared_size(pipe: Pipe) -> tuple[int, int] | None:
    """Returns rows and columns: the sample size of the UNet or transformer times the scale factor of the decoder."""
    pipeline = pipe.model.pipeline
    part = getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
    found = getattr(getattr(part, "config", None), "sample_size", None)
    factor = getattr(pipeline, "vae_scale_factor", 1) if "vae" in pipeline.components else 1
    if isinstance(found, int):
        return found * factor, found * factor
    return (found[0] * factor, found[1] * factor) if isinstance(found, (list, tuple)) and len(found) == 2 else None


def _contract(task: str, samples: Any, invalid_inputs: Any) -> Contract:
    return Contract(tasks=(task,), samples=samples, problems=problems, invalid_inputs=invalid_inputs)


CONTRACTS = (
    _contract("text-to-image", lambda pipe: PROMPTS, lambda pipe: {"a number": 3, "bytes": b"a red disc"}),
    _contract(
        "unconditional-image-generation", lambda pipe: [None] * 3, lambda pipe: {"a number": 3, "a text": "disc"}
    ),
)
