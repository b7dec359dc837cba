from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from fixtures.inputs import scenes
from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect, NotApplicable
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.labelled_boxes import LabelledBox, as_text
from suites.pipelines.contracts.registry import comparable_contract
from suites.pipelines.contracts.tasks import object_detection, segmentation
from suites.pipelines.processors import LEVELS, pixel_values, processor_of, setting, smallest_std

WITH_LABELS = ("zero-shot-object-detection",)
BOXES: dict[str, Callable[[Any], Sequence[LabelledBox]]] = {
    "object-detection": object_detection.best_box_of_each_label,
    "zero-shot-object-detection": object_detection.best_box_of_each_label,
    "image-segmentation": segmentation.boxes_of_masks,
}
TOLERANCE = 0.06
"""Share of a side by which a box may move, because resizing rounds levels and coordinates."""
MAX_LEVELS = 3
"""Largest difference in levels at which two images count as equal for the model."""


@pytest.mark.tasks(*BOXES)
@uses("task", "inputs")
def test_places_follow_size(pipe: Pipe, task: str) -> None:
    """Objects have the same relative positions in an image and in its copy resized to the model's input size.

    Why: models answer relative to their own input size; boxes that are not scaled back to the image, or with width and
    height exchanged, look plausible but are at the wrong position.
    Fix: compare `size`, `do_pad` and the sizes that post-processing gets with those of training.
    Source: https://github.com/huggingface/transformers/issues/27205
    """
    contract = comparable_contract(pipe)
    image = scenes.picture(*scenes.SCENES[2])
    same = _resized(pipe, image)
    before, after = (BOXES[task](contract.answer(pipe, _sample(task, each))) for each in (image, same))
    scales = (image.size[0] / same.size[0], image.size[1] / same.size[1])
    for one, other in zip(*(_by_label(found) for found in (before, after)), strict=False):
        if moved := _moved(one, other, scales, image.size):
            raise Defect(
                f"{task}: an image of {image.size[0]} x {image.size[1]} has {as_text([one])}, the same one "
                f"at the model's size has {as_text([other])}: {moved}.",
                evidence={"size": image.size, "model's size": same.size, "found": brief(as_text(before))},
            )


def _resized(pipe: Pipe, image: Any) -> Any:
    """Returns the image, resized to the model's input size."""
    processor = processor_of(pipe)
    expected = pixel_values(processor, image)
    resample = setting(processor, "resample")
    size = expected.shape[:0:-1]
    same = image.resize(size, resample if isinstance(resample, int) else 2)
    actual = pixel_values(processor, same)
    if actual.shape != expected.shape or abs(actual - expected).max() > MAX_LEVELS / LEVELS / smallest_std(processor):
        raise NotApplicable("the processor pads or crops images, or has its own way of resizing")
    return same


def _sample(task: str, image: Any) -> Any:
    return object_detection.with_labels(image) if task in WITH_LABELS else image


def _by_label(found: Sequence[LabelledBox]) -> list[LabelledBox]:
    return sorted(found, key=lambda each: each.label)


def _moved(one: LabelledBox, other: LabelledBox, scales: tuple[float, float], size: tuple[int, int]) -> str:
    """Describes how far a box moved; empty if it did not."""
    if one.label != other.label or not one.box or not other.box:
        return ""  # the best box is of another label
    wanted = [side * scales[number % 2] for number, side in enumerate(other.box)]
    apart = [
        abs(side - each) / size[number % 2] for number, (side, each) in enumerate(zip(one.box, wanted, strict=True))
    ]
    return f"the boxes are {max(apart):.0%} of a side apart" if max(apart) > TOLERANCE + 2 / min(size) else ""
