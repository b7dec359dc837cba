from __future__ import annotations

from typing import Any

import pytest

from fixtures.pipelines.pipe import Pipe
from suites.findings import Defect, Record, Unsupported
from suites.pipelines.image_processing.processors import (
    LEVELS,
    PICTURE_TASKS,
    deviation,
    levels,
    pixels,
    processor_of,
    setting,
)

SIZE = (64, 64)
NARROW = 0.1
"""Numbers from 0 to 1, divided by a spread: 1 and more apart. A spread of 10 is none of numbers from 0 to 1."""


@pytest.mark.tasks(*PICTURE_TASKS)
def test_image_range(pipe: Pipe, task: str, record: Record) -> None:
    """A picture of levels from 0 to 255 and the same one of numbers from 0 to 1 reach the model as the same numbers.

    Why: a processor that divides by 255 twice, or not at all, gives the model a picture that is black or blinding;
    every shape is right, and only the answers are wrong.
    Fix: set `rescale_factor` to 1/255 and `do_rescale` to true in preprocessor_config.json; give `do_rescale=False`
    with pictures that are numbers from 0 to 1.
    Source: https://huggingface.co/docs/transformers/model_doc/vit#transformers.ViTImageProcessor.preprocess
    """
    processor = processor_of(pipe)
    if not setting(processor, "do_rescale") and not setting(processor, "do_normalize"):
        raise Unsupported("the processor hands levels from 0 to 255 on, as they are")
    if setting(processor, "offset") or setting(processor, "rescale_offset"):
        raise Unsupported("the processor scales to other numbers than 0 to 1")
    whole = levels()
    expected = pixels(processor, whole / LEVELS, task, do_rescale=False)
    record.capability(f"pipelines.{task}.pictures_of_fractions", _unasked(processor, whole / LEVELS, expected, task))
    apart = abs(pixels(processor, whole, task) - expected).max()
    if apart > 1.5 / LEVELS / deviation(processor):  # resizing rounds to whole levels
        factor = setting(processor, "rescale_factor") if setting(processor, "do_rescale") else "none"
        raise Defect(
            f"{task}: levels from 0 to 255 and numbers from 0 to 1 reach the model {apart:.3g} apart; "
            f"the rescale factor is {factor}, not 1/255.",
            evidence={"rescale_factor": factor, "largest difference": float(apart)},
        )
    _refuse_twice_scaled(processor, task)


def _refuse_twice_scaled(processor: Any, task: str) -> None:
    """Raises where black and white are all but the same to the model."""
    import numpy

    black, white = (pixels(processor, numpy.full((*SIZE, 3), level, dtype="uint8"), task) for level in (0, LEVELS))
    apart = float(abs(white.mean() - black.mean()))
    if apart < NARROW:
        spread = setting(processor, "image_std")
        raise Defect(
            f"{task}: black and white reach the model only {apart:.2g} apart: pictures are rescaled to 0 ... 1, and "
            f"image_std {spread} of preprocessor_config.json is meant for levels up to 255.",
            evidence={"apart": apart, "image_mean": setting(processor, "image_mean"), "image_std": spread},
            remedy="Divide `image_mean` and `image_std` by 255, or set `do_rescale` to false.",
        )


def _unasked(processor: Any, fractions: Any, expected: Any, task: str) -> str:
    """What becomes of numbers from 0 to 1 when nobody says that they are."""
    apart = abs(pixels(processor, fractions, task) - expected).max()
    return "taken as they are" if apart <= 1.5 / LEVELS / deviation(processor) else "divided once more"
