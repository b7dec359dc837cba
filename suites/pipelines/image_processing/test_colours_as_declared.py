from __future__ import annotations

from typing import Any

import pytest

from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Limit
from suites.pipelines.processors import (
    COMPUTED,
    FILE,
    IMAGE_TASKS,
    LEVELS,
    declared_settings,
    per_channel,
    pixel_values,
    processor_of,
    setting,
)

COLOUR = (210, 90, 30)
"""Red, green and blue, so different that exchanged channels are noticed."""
SIZE = (64, 48)
MOVES_PIXELS = {
    *("do_pad", "do_image_splitting", "do_split_image", "do_pan_and_scan", "do_align_long_axis", "keep_aspect_ratio"),
    *("do_crop_margin", "do_remove_padding", "do_affine_transform", "size_divisor", "use_square_size"),
}
"""Switches of processors that change where pixels are, and not their colours."""
OFFSETS = ("offset", "rescale_offset")


@pytest.mark.tasks(*IMAGE_TASKS)
@uses("task", "inputs")
def test_colours_as_declared(subject: Subject, pipe: Pipe, task: str) -> None:
    """Colours reach the model as preprocessor_config.json declares: rescaled once, normalized, red first.

    Why: channels in another order, or another mean, leave all shapes valid; accuracy drops without any error.
    Fix: compare `image_mean`, `image_std`, `rescale_factor` and `do_flip_channel_order` with those of training, and the
    slow with the fast processor.
    Source: https://github.com/huggingface/transformers/issues/34785
    """
    from PIL import Image

    processor, declared = processor_of(pipe), _declared(subject, processor_of(pipe))
    changes = (name for name in vars(processor) if name not in MOVES_PIXELS and setting(processor, name) is True)
    if change := next((name for name in changes if name not in COMPUTED or name in OFFSETS), ""):
        raise Limit(f"{type(processor).__name__} has {change}, which this check does not compute")
    found = pixel_values(processor, Image.new("RGB", SIZE, COLOUR), task)
    actual = found[:, found.shape[1] // 2, found.shape[2] // 2]
    expected, step = _expected(declared)
    if abs(actual - expected).max() > 1.5 * step:
        raise Defect(
            f"{task}: the colour {COLOUR} reaches the model as {_rounded(actual)}, {_cause(actual, expected, step)}.",
            evidence={"colour": COLOUR, "expected": _rounded(expected), "found": _rounded(actual)},
        )


def _declared(subject: Subject, processor: Any) -> Any:
    """Returns a function that reads a setting from the file, or from the processor if the file lacks it."""
    written = declared_settings(subject)
    return lambda name: written[name] if name in written else setting(processor, name)


def _expected(declared: Any) -> tuple[Any, float]:
    """Returns the expected three numbers, and the largest change of them by one level."""
    factor = declared("rescale_factor") if declared("do_rescale") else 1.0
    means, stds = ("image_mean", "image_std") if declared("do_normalize") else ("", "")
    mean, std = (
        per_channel(declared(name) if name else None, default)[:, 0, 0] for name, default in ((means, 0.0), (stds, 1.0))
    )
    colour = per_channel(COLOUR[::-1] if declared("do_flip_channel_order") else COLOUR, 0.0)[:, 0, 0]
    return (colour * factor - mean) / std, float(factor / std.min())


def _cause(actual: Any, expected: Any, step: float) -> str:
    """Describes the most likely cause."""
    if abs(actual[::-1] - expected).max() <= 1.5 * step:
        return f"with blue first: {FILE} declares red first"
    if abs(actual - (expected / LEVELS)).max() <= step:
        return "divided by 255 more often than declared"
    return f"not as {_rounded(expected)}, which follows from factor, mean and std in {FILE}"


def _rounded(numbers: Any) -> list[float]:
    return [round(float(each), 3) for each in numbers]
