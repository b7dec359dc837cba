from __future__ import annotations

from typing import Any

import pytest

from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect, NotApplicable, Record
from suites.pipelines.processors import (
    IMAGE_TASKS,
    LEVELS,
    pixel_values,
    processor_of,
    sample_image,
    setting,
    smallest_std,
)

SIZE = (64, 64)
MIN_CONTRAST = 0.1
"""Smallest plausible distance of black and white: an image_std of 10 or more is not for values from 0 to 1."""
MAX_CONTRAST = 20
"""Largest plausible one: levels up to 255, divided by an image_std for values from 0 to 1, are hundreds apart."""


@pytest.mark.tasks(*IMAGE_TASKS)
@uses("task", "inputs")
def test_image_range(pipe: Pipe, task: str, record: Record) -> None:
    """The same image given as integers 0-255 and as floats 0-1 reaches the model as the same pixel values.

    Why: a processor that divides by 255 twice, or not at all, gives the model an image that is black or overexposed;
    all shapes are valid, and only the answers are wrong.
    Fix: set `rescale_factor` to 1/255 and `do_rescale` to true in preprocessor_config.json; pass `do_rescale=False`
    for images with values from 0 to 1.
    Source: https://huggingface.co/docs/transformers/model_doc/vit#transformers.ViTImageProcessor.preprocess
    """
    processor = processor_of(pipe)
    if not setting(processor, "do_rescale") and not setting(processor, "do_normalize"):
        raise NotApplicable("the processor does not rescale: levels from 0 to 255 reach the model unchanged")
    if setting(processor, "offset") or setting(processor, "rescale_offset"):
        raise NotApplicable("the processor does not rescale to values from 0 to 1")
    image = sample_image()
    factor = setting(processor, "rescale_factor") if setting(processor, "do_rescale") else 1.0
    if abs(factor * LEVELS - 1) > 0.01 and MIN_CONTRAST < _contrast(processor, task) < MAX_CONTRAST:
        record.capability(f"pipelines.{task}.float_images", "levels from 0 to 255")
        # mean and standard deviation are for levels, so values from 0 to 1 are no input of this processor
        raise NotApplicable("the processor takes levels from 0 to 255, for which its mean and deviation are")
    expected = pixel_values(processor, image / LEVELS, task, do_rescale=False)
    record.capability(f"pipelines.{task}.float_images", _default_for_floats(processor, image / LEVELS, expected, task))
    difference = abs(pixel_values(processor, image, task) - expected).max()
    if difference > 1.5 / LEVELS / smallest_std(processor):  # resizing rounds to whole levels
        factor = setting(processor, "rescale_factor") if setting(processor, "do_rescale") else "none"
        raise Defect(
            f"{task}: the same image as integers 0-255 and as floats 0-1 reaches the model with pixel values that "
            f"differ by up to {difference:.3g}: the rescale factor is {factor}, not 1/255.",
            evidence={"rescale_factor": factor, "largest difference": float(difference)},
        )
    _check_contrast(processor, task)


def _check_contrast(processor: Any, task: str) -> None:
    """Raises a defect if black and white are almost equal for the model."""
    difference = _contrast(processor, task)
    if difference < MIN_CONTRAST:
        std = setting(processor, "image_std")
        raise Defect(
            f"{task}: for the model, black and white differ only by {difference:.2g}: pixel values are rescaled to "
            f"0-1, but image_std {std} of preprocessor_config.json is meant for levels up to 255.",
            evidence={"difference": difference, "image_mean": setting(processor, "image_mean"), "image_std": std},
            fix="Divide `image_mean` and `image_std` by 255, or set `do_rescale` to false.",
        )


def _contrast(processor: Any, task: str) -> float:
    """The distance of black and white for the model."""
    import numpy

    levels = (numpy.full((*SIZE, 3), level, dtype="uint8") for level in (0, LEVELS))
    black, white = (float(pixel_values(processor, image, task).mean()) for image in levels)
    return abs(white - black)


def _default_for_floats(processor: Any, floats: Any, expected: Any, task: str) -> str:
    """Returns what the processor does by default with values from 0 to 1."""
    difference = abs(pixel_values(processor, floats, task) - expected).max()
    return "used unchanged" if difference <= 1.5 / LEVELS / smallest_std(processor) else "rescaled again"
