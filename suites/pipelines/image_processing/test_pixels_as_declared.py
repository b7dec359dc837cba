from __future__ import annotations

from typing import Any

import pytest

from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Unsupported
from suites.pipelines.processors import (
    IMAGE_TASKS,
    LEVELS,
    exact_size,
    pixel_values,
    processor_of,
    sample_image,
    setting,
)

FILE = "preprocessor_config.json"
INTERPOLATIONS = ("nearest", "Lanczos", "bilinear", "bicubic", "box", "Hamming")
"""Interpolations in the order of Pillow's numbers."""
ROUNDING = 3
"""Levels by which implementations of the same interpolation differ at edges."""


@pytest.mark.tasks(*IMAGE_TASKS)
@uses("task", "inputs")
def test_pixels_as_declared(subject: Subject, pipe: Pipe, task: str) -> None:
    """The processor resizes with the interpolation that preprocessor_config.json declares, as Pillow does.

    Why: another interpolation than in training blurs or aliases every image and costs some points of accuracy. The
    slow or fast processor, or the default of another version, can change it without any error.
    Fix: write `resample` into preprocessor_config.json; compare the slow and the fast processor.
    Source: https://github.com/huggingface/transformers/issues/42956
    """
    processor = processor_of(pipe)
    size, declared = exact_size(processor), subject.json(FILE).get("resample")
    if setting(processor, "do_grayscale"):
        raise Unsupported("the processor converts images to grayscale")
    if size is None or not isinstance(declared, int) or not 0 <= declared < len(INTERPOLATIONS):
        raise Unsupported(f"{FILE} declares no interpolation or no fixed size")
    image = sample_image()
    actual, expected = _levels(processor, pixel_values(processor, image, task)), _resized(image, size, declared)
    if actual.shape != expected.shape:
        raise Unsupported(f"{type(processor).__name__} resizes to another size than {FILE} declares")
    difference = abs(actual - expected).max()
    if difference > ROUNDING:
        raise Defect(
            f"{task}: pixels from {type(processor).__name__} are up to {difference:.0f} of {LEVELS} levels from those "
            f"of {INTERPOLATIONS[declared]} interpolation, which {FILE} declares.",
            evidence={"resample": declared, "processor": type(processor).__name__, "levels": float(difference)},
        )


def _resized(image: Any, size: tuple[int, int], resample: int) -> Any:
    """Returns the levels of a resized image (channels x height x width)."""
    import numpy
    from PIL import Image

    return numpy.moveaxis(numpy.asarray(Image.fromarray(image).resize(size, resample), dtype="float64"), -1, 0)


def _levels(processor: Any, values: Any) -> Any:
    """Converts pixel values of the model back to levels."""
    import numpy

    if setting(processor, "do_normalize"):
        mean, std = (numpy.reshape(setting(processor, name), (-1, 1, 1)) for name in ("image_mean", "image_std"))
        values = values * std + mean
    if any(setting(processor, name) for name in ("offset", "rescale_offset")):
        values = values + 1  # ViViT and EfficientNet scale to -1 ... 1
    return values / setting(processor, "rescale_factor") if setting(processor, "do_rescale") else values
