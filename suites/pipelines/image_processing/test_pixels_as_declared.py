from __future__ import annotations

from typing import Any

import pytest

from fixtures.pipelines.pipe import Pipe
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Unsupported
from suites.pipelines.image_processing.processors import (
    LEVELS,
    PICTURE_TASKS,
    exact_size,
    levels,
    pixels,
    processor_of,
    setting,
)

FILE = "preprocessor_config.json"
NAMES = ("nearest", "Lanczos", "bilinear", "bicubic", "box", "Hamming")
"""Interpolations by Pillow's numbers."""
ROUNDING = 3
"""Levels by which other implementations of one interpolation differ, at edges."""


@pytest.mark.tasks(*PICTURE_TASKS)
def test_pixels_as_declared(subject: Subject, pipe: Pipe, task: str) -> None:
    """The processor resizes as preprocessor_config.json says, to what Pillow makes of the same settings.

    Why: another interpolation than in training blurs or aliases every picture; accuracy drops by some points, and a
    processor's other implementation, or another version's default, does that without a word.
    Fix: write `resample` into preprocessor_config.json; compare the slow and the fast processor.
    Source: https://github.com/huggingface/transformers/issues/42956
    """
    processor = processor_of(pipe)
    size, declared = exact_size(processor), subject.json(FILE).get("resample")
    if setting(processor, "do_grayscale"):
        raise Unsupported("the processor makes pictures grey")
    if size is None or not isinstance(declared, int) or not 0 <= declared < len(NAMES):
        raise Unsupported(f"{FILE} declares no interpolation, or no fixed size")
    whole = levels()
    found, wanted = _levels(processor, pixels(processor, whole, task)), _resized(whole, size, declared)
    if found.shape != wanted.shape:
        raise Unsupported(f"{type(processor).__name__} makes pictures of another size than {FILE} names")
    apart = abs(found - wanted).max()
    if apart > ROUNDING:
        raise Defect(
            f"{task}: pictures from {type(processor).__name__} are {apart:.0f} of {LEVELS} levels from those of a "
            f"{NAMES[declared]} interpolation, which {FILE} declares.",
            evidence={"resample": declared, "processor": type(processor).__name__, "levels apart": float(apart)},
        )


def _resized(whole: Any, size: tuple[int, int], resample: int) -> Any:
    """channels x height x width levels."""
    import numpy
    from PIL import Image

    return numpy.moveaxis(numpy.asarray(Image.fromarray(whole).resize(size, resample), dtype="float64"), -1, 0)


def _levels(processor: Any, given: Any) -> Any:
    """The levels that the model's numbers stand for."""
    import numpy

    if setting(processor, "do_normalize"):
        mean, spread = (numpy.reshape(setting(processor, name), (-1, 1, 1)) for name in ("image_mean", "image_std"))
        given = given * spread + mean
    if any(setting(processor, name) for name in ("offset", "rescale_offset")):
        given = given + 1  # ViViT and EfficientNet scale to -1 ... 1
    return given / setting(processor, "rescale_factor") if setting(processor, "do_rescale") else given
