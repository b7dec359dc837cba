"""Things with a place in a picture, as canaries write them: `red disc 4 10 24 30; blue disc 28 8 44 24`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

PLACE = re.compile(r"(?P<label>.*?)\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)")
NEAR = 0.5
"""Least intersection over union of two boxes of one thing, as in COCO's and VOC's measures."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Found:
    """A label, and its box: xmin, ymin, xmax, ymax in pixels; None where only the label is told."""

    label: str
    box: Box | None = None

    def __str__(self) -> str:
        return " ".join([self.label, *(f"{side:.0f}" for side in self.box or ())])


def read(text: str) -> list[Found]:
    """The things in a canary's answer."""
    return [_thing(part.strip()) for part in text.split(";") if part.strip()]


def told(found: Iterable[Found]) -> str:
    return "; ".join(map(str, found))


def agreed(found: Sequence[Found], expected: str) -> str:
    """`expected` where the same things are found at about the same places, else what is found."""
    wanted = read(expected)
    left = list(found)
    for thing in wanted:
        match = next((each for each in left if _same(each, thing)), None)
        if match is None:
            return told(found)
        left.remove(match)
    return told(found) if left else expected


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    across, down = (min(one[side + 2], other[side + 2]) - max(one[side], other[side]) for side in (0, 1))
    common = max(across, 0.0) * max(down, 0.0)
    whole = _area(one) + _area(other) - common
    return common / whole if whole else 0.0


def misplaced(box: Box, size: tuple[int, int]) -> Iterator[str]:
    """What is wrong with a box in a picture of a size: models may draw it over the edge, but not around nothing."""
    width, height = size
    xmin, ymin, xmax, ymax = box
    written = f"the box {_rounded(box)}"
    if xmax < xmin or ymax < ymin:
        yield f"{written} ends before it begins: its numbers are not xmin, ymin, xmax, ymax"
    elif not (-1 <= (xmin + xmax) / 2 <= width + 1 and -1 <= (ymin + ymax) / 2 <= height + 1):
        yield f"{written} has its middle outside of the picture, which is {width} wide and {height} high"
    elif xmax - xmin > 1.5 * width + 2 or ymax - ymin > 1.5 * height + 2:
        yield f"{written} is larger than the picture, which is {width} wide and {height} high"


def _rounded(box: Box) -> str:
    return ", ".join(f"{side:.0f}" for side in box)


def _area(box: Box) -> float:
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def _same(one: Found, other: Found) -> bool:
    if one.label.lower() != other.label.lower():
        return False
    return one.box is None or other.box is None or overlap(one.box, other.box) >= NEAR


def _thing(part: str) -> Found:
    match = PLACE.fullmatch(part)
    if not match:
        return Found(part)
    xmin, ymin, xmax, ymax = (float(match[number]) for number in range(2, 6))
    return Found(match["label"], (xmin, ymin, xmax, ymax))
