"""Pairs of pictures to pairs of points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fixtures.inputs import images, scenes
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.scores import as_probabilities, sorted_down
from suites.pipelines.contracts.tasks.image_classification import no_pictures, other_forms

NAMES = ("keypoint_image_0", "keypoint_image_1")
SIDES = (48, 64, 96)
"""Squares: `pipelines/points-lie-in-pictures` tries other shapes."""
Match = Mapping[str, Any]
Pair = Sequence[Any]


def samples(pipe: Pipe) -> list[Pair]:
    """A square picture and the same with more in it."""
    scene = scenes.SCENES[0][1]
    return [[scenes.painted((side, side), scene[:1]), scenes.painted((side, side), scene)] for side in SIDES]


def problems(sample: Pair, answer: Sequence[Match], pipe: Pipe) -> Iterator[str]:
    """Pairs of points, the best first, each inside of its picture."""
    scores = [match["score"] for match in answer]
    yield from as_probabilities(scores, exclusive=False)
    yield from sorted_down(scores)
    yield from outside(sample, answer)


def outside(sample: Pair, answer: Sequence[Match]) -> Iterator[str]:
    """Points that lie in no picture."""
    for number, (name, picture) in enumerate(zip(NAMES, sample, strict=True), 1):
        width, height = picture.size
        for match in answer:
            x, y = match[name]["x"], match[name]["y"]
            if not (0 <= x <= width and 0 <= y <= height):
                yield f"the point {x}, {y} lies outside of picture {number}, which is {width} wide and {height} high"


def in_order_of_place(answer: Sequence[Match]) -> list[Match]:
    return sorted(answer, key=lambda match: [match[name][side] for name in NAMES for side in "xy"])


def strange_pairs(pipe: Pipe) -> dict[str, Any]:
    good = images.drawn(images.KINDS[0])
    wrong = {f"{name} beside a picture": [each, good] for name, each in no_pictures(pipe).items()}
    return {**wrong, "one picture": good, "three pictures": [good, good, good]}


CONTRACTS = (
    Contract(
        tasks=("keypoint-matching",),
        samples=samples,
        problems=problems,
        other_forms=lambda sample: {"a path beside a picture": [other_forms(sample[0])["path"], sample[1]]},
        invalid_inputs=strange_pairs,
        unwraps_single_lists=True,
        lists_only=True,
        comparable=in_order_of_place,
        integer_tolerance=1,
    ),
)
