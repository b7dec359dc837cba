"""Keypoint matching: pairs of images to pairs of points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fixtures.inputs import images, scenes
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.image_inputs import image_forms, invalid_images
from suites.pipelines.contracts.scores import as_probabilities, descending

NAMES = ("keypoint_image_0", "keypoint_image_1")
SIDES = (48, 64, 96)
"""Squares; `pipelines/points-lie-in-pictures` covers other shapes."""
Match = Mapping[str, Any]
Pair = Sequence[Any]


def samples(pipe: Pipe) -> list[Pair]:
    """Returns pairs of a square image and the same image with more shapes in it."""
    scene = scenes.SCENES[0][1]
    return [[scenes.picture((side, side), scene[:1]), scenes.picture((side, side), scene)] for side in SIDES]


def problems(sample: Pair, answer: Sequence[Match], pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless pairs of points are sorted by score and inside of their images."""
    scores = [match["score"] for match in answer]
    yield from as_probabilities(scores, exclusive=False)
    yield from descending(scores)
    yield from outside(sample, answer)


def outside(sample: Pair, answer: Sequence[Match]) -> Iterator[str]:
    """Yields a problem for each point outside of its image."""
    for number, (name, image) in enumerate(zip(NAMES, sample, strict=True), 1):
        width, height = image.size
        for match in answer:
            x, y = match[name]["x"], match[name]["y"]
            if not (0 <= x <= width and 0 <= y <= height):
                yield f"the point {x}, {y} is outside of image {number}, which is {width} wide and {height} high"


def sorted_by_position(answer: Sequence[Match]) -> list[Match]:
    return sorted(answer, key=lambda match: [match[name][side] for name in NAMES for side in "xy"])


def invalid_pairs(pipe: Pipe) -> dict[str, Any]:
    good = images.picture(images.KINDS[0])
    wrong = {f"{name} next to an image": [each, good] for name, each in invalid_images(pipe).items()}
    return {**wrong, "one image": good, "three images": [good, good, good]}


CONTRACTS = (
    Contract(
        tasks=("keypoint-matching",),
        samples=samples,
        problems=problems,
        other_forms=lambda sample: {"a path next to an image": [image_forms(sample[0])["path"], sample[1]]},
        invalid_inputs=invalid_pairs,
        unwraps_single_lists=True,
        lists_only=True,
        comparable=sorted_by_position,
        integer_tolerance=1,
    ),
)
