from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from fixtures.inputs import scenes
from fixtures.pipelines.pipe import Pipe
from suites.findings import Defect, Unsupported
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.labelled_boxes import LabelledBox, as_text
from suites.pipelines.contracts.registry import comparable_contract
from suites.pipelines.contracts.tasks import object_detection, segmentation
from suites.pipelines.image_processing.processors import LEVELS, deviation, pixels, processor_of, setting

LABELLED = ("zero-shot-object-detection",)
FOUND: dict[str, Callable[[Any], Sequence[LabelledBox]]] = {
    "object-detection": object_detection.best_box_of_each_label,
    "zero-shot-object-detection": object_detection.best_box_of_each_label,
    "image-segmentation": segmentation.boxes_of_masks,
}
SLACK = 0.06
"""Share of a side by which a place may move: resizing rounds to whole levels, and pixels to whole pixels."""
SAME = 3
"""Levels apart, at most, for two pictures to be the same to a model."""


@pytest.mark.tasks(*FOUND)
def test_places_follow_size(pipe: Pipe, task: str) -> None:
    """A picture that was brought to the processor's size before has its things at the same places.

    Why: models answer in shares of their own input; boxes that are not brought back to the picture's size, or with
    width and height exchanged, look fine and lie elsewhere.
    Fix: compare `size`, `do_pad` and the sizes that post-processing gets with those of training.
    Source: https://github.com/huggingface/transformers/issues/27205
    """
    contract = comparable_contract(pipe)
    picture = scenes.painted(*scenes.SCENES[2])
    same = _prepared(pipe, picture)
    before, after = (FOUND[task](contract.answer(pipe, _sample(task, each))) for each in (picture, same))
    scales = (picture.size[0] / same.size[0], picture.size[1] / same.size[1])
    for one, other in zip(*(_by_label(found) for found in (before, after)), strict=False):
        if moved := _moved(one, other, scales, picture.size):
            raise Defect(
                f"{task}: a picture of {picture.size[0]} x {picture.size[1]} has {as_text([one])}, the same one "
                f"at the model's size {as_text([other])}: {moved}.",
                evidence={"size": picture.size, "model's size": same.size, "found": brief(as_text(before))},
            )


def _prepared(pipe: Pipe, picture: Any) -> Any:
    """The picture at the size at which the model sees it."""
    processor = processor_of(pipe)
    seen = pixels(processor, picture)
    resample = setting(processor, "resample")
    size = seen.shape[:0:-1]
    same = picture.resize(size, resample if isinstance(resample, int) else 2)
    again = pixels(processor, same)
    if again.shape != seen.shape or abs(again - seen).max() > SAME / LEVELS / deviation(processor):
        raise Unsupported("the processor pads or cuts pictures, or resizes them in a way of its own")
    return same


def _sample(task: str, picture: Any) -> Any:
    return object_detection.with_labels(picture) if task in LABELLED else picture


def _by_label(found: Sequence[LabelledBox]) -> list[LabelledBox]:
    return sorted(found, key=lambda each: each.label)


def _moved(one: LabelledBox, other: LabelledBox, scales: tuple[float, float], size: tuple[int, int]) -> str:
    """What is wrong with the place of the same thing; empty where it is the same."""
    if one.label != other.label or not one.box or not other.box:
        return ""  # another thing is the surest one
    wanted = [side * scales[number % 2] for number, side in enumerate(other.box)]
    apart = [
        abs(side - each) / size[number % 2] for number, (side, each) in enumerate(zip(one.box, wanted, strict=True))
    ]
    return f"{max(apart):.0%} of a side apart" if max(apart) > SLACK + 2 / min(size) else ""
