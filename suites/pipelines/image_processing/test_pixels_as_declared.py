from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Limit, NotApplicable
from suites.pipelines.image_processing import resizing
from suites.pipelines.image_processing.resizing import INTERPOLATIONS, WITHOUT_FILTER, Geometry
from suites.pipelines.processors import (
    FILE,
    IMAGE_TASKS,
    LEVELS,
    declared_settings,
    other_step,
    pixel_values,
    processor_of,
    sample_image,
    setting,
)

PADDING = "do_pad"
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
    processor, declared = processor_of(pipe), declared_settings(subject).get("resample")
    if not setting(processor, "do_resize", True):
        raise NotApplicable("the processor does not resize")
    if type(declared) is not int or not 0 <= declared < len(INTERPOLATIONS):
        raise NotApplicable(f"{FILE} declares no interpolation")
    if (step := other_step(processor)) and step != PADDING:
        raise Limit(f"{type(processor).__name__} has {step}, which this check does not compute")
    image = sample_image()
    actual = _levels(processor, pixel_values(processor, image, task))
    ways = resizing.geometries(processor, width=image.shape[1], height=image.shape[0])
    apart = {way: _distance(resizing.pixels(image, way, declared), actual) for way in ways}
    way, difference = min(apart.items(), key=lambda each: each[1], default=(None, float("inf")))
    if way is None or difference == float("inf"):
        raise Limit(f"{type(processor).__name__} resizes to another size than {FILE} declares")
    if difference > ROUNDING:
        other = _other_interpolation(image, actual, ways)
        if not other and not resizing.is_exact(processor):
            raise Limit(f"{type(processor).__name__} resizes and crops in a way that this check does not compute")
        cause = f": they are those of {other}" if other else ""
        raise Defect(
            f"{task}: pixels from {type(processor).__name__} are up to {difference:.0f} of {LEVELS} levels from those "
            f"of {INTERPOLATIONS[declared]} interpolation, which {FILE} declares{cause}.",
            evidence={"resample": declared, "processor": type(processor).__name__, "levels": float(difference)},
        )


def _other_interpolation(image: Any, actual: Any, ways: list[Geometry]) -> str:
    """The name of the interpolation that makes these pixels; empty if none does."""
    found = (name for way in ways for name, made in _all(image, way) if _distance(made, actual) <= ROUNDING)
    return next(found, "")


def _all(image: Any, way: Geometry) -> Iterator[tuple[str, Any]]:
    for number, name in enumerate(INTERPOLATIONS):
        yield f"{name} interpolation", resizing.pixels(image, way, number)
    for name in WITHOUT_FILTER.values():
        yield f"{name} interpolation without a filter against aliasing", resizing.unfiltered(image, way, name)


def _distance(expected: Any, actual: Any) -> float:
    """The largest difference in levels; infinite for a shape that padding at the end does not explain."""
    rows, columns = expected.shape[1:]
    actual = actual[:, :rows, :columns]
    return float(abs(actual - expected).max()) if actual.shape == expected.shape else float("inf")


def _levels(processor: Any, values: Any) -> Any:
    """Converts pixel values of the model back to levels."""
    import numpy

    if setting(processor, "do_normalize"):
        mean, std = (numpy.reshape(setting(processor, name), (-1, 1, 1)) for name in ("image_mean", "image_std"))
        values = values * std + mean
    if any(setting(processor, name) for name in ("offset", "rescale_offset")):
        values = values + 1  # ViViT and EfficientNet scale to -1 ... 1
    values = values / setting(processor, "rescale_factor") if setting(processor, "do_rescale") else values
    return values[::-1] if setting(processor, "do_flip_channel_order") else values
