from __future__ import annotations

from typing import Any

import pytest

from fixtures.pipelines.pipe import Pipe
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Unsupported
from suites.pipelines.image_processing.processors import (
    LEVELS,
    PICTURE_TASKS,
    per_channel,
    pixels,
    processor_of,
    setting,
)

FILE = "preprocessor_config.json"
COLOUR = (210, 90, 30)
"""Red, green and blue, so far apart that no two can be taken for each other."""
SIZE = (64, 48)
ODD = ("do_grayscale", "do_thumbnail", "offset", "rescale_offset", "do_color_quantize", "apply_ocr")
"""What gives a colour another meaning."""


@pytest.mark.tasks(*PICTURE_TASKS)
def test_colours_as_declared(subject: Subject, pipe: Pipe, task: str) -> None:
    """A picture of one colour reaches the model as preprocessor_config.json says: rescaled once, with its mean and
    spread, red first.

    Why: channels in another order, or another mean, leave every shape right; accuracy drops, and nobody is told.
    Fix: compare `image_mean`, `image_std`, `rescale_factor` and `do_flip_channel_order` with those of training, and the
    slow with the fast processor.
    Source: https://github.com/huggingface/transformers/issues/34785
    """
    from PIL import Image

    processor, declared = processor_of(pipe), _declared(subject, processor_of(pipe))
    if any(declared(name) for name in ODD):
        raise Unsupported("the processor makes something else of colours")
    found = pixels(processor, Image.new("RGB", SIZE, COLOUR), task)
    middle = found[:, found.shape[1] // 2, found.shape[2] // 2]
    wanted, step = _wanted(declared)
    if abs(middle - wanted).max() > 1.5 * step:
        raise Defect(
            f"{task}: the colour {COLOUR} reaches the model as {_rounded(middle)}, {_why(middle, wanted, step)}.",
            evidence={"colour": COLOUR, "expected": _rounded(wanted), "found": _rounded(middle)},
        )


def _declared(subject: Subject, processor: Any) -> Any:
    """A setting as the file has it; where it says nothing, as the processor does."""
    written = subject.json(FILE) if (subject.path / FILE).is_file() else {}
    return lambda name: written[name] if name in written else setting(processor, name)


def _wanted(declared: Any) -> tuple[Any, float]:
    """Three numbers, and by how much one level moves them at most."""
    factor = declared("rescale_factor") if declared("do_rescale") else 1.0
    means, spreads = ("image_mean", "image_std") if declared("do_normalize") else ("", "")
    mean, spread = (per_channel(declared(name) if name else None, default)[:, 0, 0]
                    for name, default in ((means, 0.0), (spreads, 1.0)))  # fmt: skip
    colour = per_channel(COLOUR[::-1] if declared("do_flip_channel_order") else COLOUR, 0.0)[:, 0, 0]
    return (colour * factor - mean) / spread, float(factor / spread.min())


def _why(middle: Any, wanted: Any, step: float) -> str:
    """What the numbers look like."""
    if abs(middle[::-1] - wanted).max() <= 1.5 * step:
        return f"with blue first: {FILE} declares red first"
    if abs(middle - (wanted / LEVELS)).max() <= step:
        return "divided by 255 once more than declared"
    return f"not as the {_rounded(wanted)} that {FILE} declares with its factor, mean and spread"


def _rounded(numbers: Any) -> list[float]:
    return [round(float(each), 3) for each in numbers]
