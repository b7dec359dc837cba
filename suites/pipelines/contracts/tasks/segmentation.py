"""Pictures to regions: masks with a label, and masks of whatever is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fixtures.inputs import scenes
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.boxes_in_pictures import Found, agreed, told
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.scores import as_probabilities
from suites.pipelines.contracts.tasks.image_classification import no_pictures, other_forms

SMALL = 0.01
"""Share of the picture below which a mask is left out of comparisons: rounding may bring it in."""
Entry = Mapping[str, Any]


def problems(sample: Any, answer: Sequence[Entry], pipe: Pipe) -> Iterator[str]:
    """Labels of the config with black and white masks as large as the picture; scores are probabilities, or None."""
    labels = {str(label) for label in pipe.model.config.id2label.values()}
    scores = [entry["score"] for entry in answer if entry["score"] is not None]
    yield from as_probabilities(scores, exclusive=False)
    for entry in answer:
        if entry["label"] not in labels:
            yield f"the label {entry['label']!r} is not in the config, which has {sorted(labels)}"
        yield from mask_problems(entry["mask"], sample.size)


def mask_problems(mask: Any, size: tuple[int, int]) -> Iterator[str]:
    if mask.size != size:
        yield f"a mask is {mask.size[0]} x {mask.size[1]} pixels, the picture {size[0]} x {size[1]}"
    levels = {level for _, level in mask.getcolors() or [(0, -1)]}
    if not levels <= {0, 255}:
        yield f"a mask has the levels {sorted(levels)[:5]}, not 0 and 255 alone"


def free_problems(sample: Any, answer: Mapping[str, Any], pipe: Pipe) -> Iterator[str]:
    """As many scores as masks; the masks are as large as the picture."""
    import numpy

    masks = [numpy.asarray(mask) for mask in answer["masks"]]
    if len(masks) != len(answer["scores"]):
        yield f"there are {len(masks)} masks and {len(answer['scores'])} scores"
    sizes = {mask.shape[::-1] for mask in masks} - {sample.size}
    if sizes:
        wrong = min(sizes)
        yield f"a mask is {wrong[0]} x {wrong[1]} pixels, the picture {sample.size[0]} x {sample.size[1]}"


def large(answer: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in answer if _share(entry["mask"]) > SMALL]


def _share(mask: Any) -> float:
    white, whole = int(mask.histogram()[255]), int(mask.size[0] * mask.size[1])
    return white / max(1, whole)


def found(answer: Sequence[Entry]) -> list[Found]:
    """The boxes around the masks."""
    return [Found(entry["label"], entry["mask"].getbbox()) for entry in large(answer)]


CONTRACTS = (
    Contract(
        tasks=("image-segmentation",),
        samples=lambda pipe: scenes.pictures(),
        problems=problems,
        other_forms=other_forms,
        invalid_inputs=no_pictures,
        meaning=lambda answer: told(found(answer)),
        match_canary=lambda answer, expected: agreed(found(answer), expected),
        comparable=large,
    ),
    Contract(
        tasks=("mask-generation",),
        samples=lambda pipe: scenes.pictures(),
        problems=free_problems,
        options=lambda pipe: {"points_per_crop": 8},  # 64 points, not 1024
        other_forms=other_forms,
        invalid_inputs=no_pictures,
    ),
)
