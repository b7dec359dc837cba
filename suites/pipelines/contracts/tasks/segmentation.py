"""Image segmentation: masks with labels, and masks of any object (`mask-generation`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fixtures.inputs import scenes
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.image_inputs import image_forms, invalid_images
from suites.pipelines.contracts.labelled_boxes import LabelledBox, as_text, match_expected
from suites.pipelines.contracts.scores import as_probabilities

SMALL = 0.01
"""Masks below this share of the image are not compared: rounding may add or remove them."""
Entry = Mapping[str, Any]


def problems(sample: Any, answer: Sequence[Entry], pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless labels are known, scores are probabilities and masks have the size of the image."""
    labels = {str(label) for label in pipe.model.config.id2label.values()}
    scores = [entry["score"] for entry in answer if entry["score"] is not None]
    yield from as_probabilities(scores, exclusive=False)
    for entry in answer:
        if entry["label"] not in labels:
            yield f"the label {entry['label']!r} is not in the config, which has {sorted(labels)}"
        yield from mask_problems(entry["mask"], sample.size)


def mask_problems(mask: Any, size: tuple[int, int]) -> Iterator[str]:
    if mask.size != size:
        yield f"a mask is {mask.size[0]} x {mask.size[1]} pixels, the image {size[0]} x {size[1]}"
    levels = {level for _, level in mask.getcolors() or [(0, -1)]}
    if not levels <= {0, 255}:
        yield f"a mask has the levels {sorted(levels)[:5]}, not only 0 and 255"


def unlabelled_problems(sample: Any, answer: Mapping[str, Any], pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless each mask has a score and the size of the image."""
    import numpy

    masks = [numpy.asarray(mask) for mask in answer["masks"]]
    if len(masks) != len(answer["scores"]):
        yield f"there are {len(masks)} masks and {len(answer['scores'])} scores"
    sizes = {mask.shape[::-1] for mask in masks} - {sample.size}
    if sizes:
        wrong = min(sizes)
        yield f"a mask is {wrong[0]} x {wrong[1]} pixels, the image {sample.size[0]} x {sample.size[1]}"


def without_small(answer: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in answer if _share(entry["mask"]) > SMALL]


def _share(mask: Any) -> float:
    white, whole = int(mask.histogram()[255]), int(mask.size[0] * mask.size[1])
    return white / max(1, whole)


def boxes_of_masks(answer: Sequence[Entry]) -> list[LabelledBox]:
    """Returns the boxes around the masks."""
    return [LabelledBox(entry["label"], entry["mask"].getbbox()) for entry in without_small(answer)]


CONTRACTS = (
    Contract(
        tasks=("image-segmentation",),
        samples=lambda pipe: scenes.pictures(),
        problems=problems,
        other_forms=image_forms,
        invalid_inputs=invalid_images,
        meaning=lambda answer: as_text(boxes_of_masks(answer)),
        match_canary=lambda answer, expected: match_expected(boxes_of_masks(answer), expected),
        comparable=without_small,
    ),
    Contract(
        tasks=("mask-generation",),
        samples=lambda pipe: scenes.pictures(),
        problems=unlabelled_problems,
        options=lambda pipe: {"points_per_crop": 8},  # 64 points, not 1024
        other_forms=image_forms,
        invalid_inputs=invalid_images,
    ),
)
