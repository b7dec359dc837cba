"""Labelled boxes in an image, as canaries write them: `red disc 4 10 24 30; blue disc 28 8 44 24`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

LABEL_AND_BOX = re.compile(r"(?P<label>.*?)\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)")
MINIMUM_OVERLAP = 0.5
"""Smallest intersection over union at which two boxes match, as in the metrics of COCO and VOC."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class LabelledBox:
    """A label with its box (xmin, ymin, xmax, ymax in pixels); the box is None if only the label is known."""

    label: str
    box: Box | None = None

    def __str__(self) -> str:
        return " ".join([self.label, *(f"{side:.0f}" for side in self.box or ())])


def parse(text: str) -> list[LabelledBox]:
    """Parses the answer of a canary."""
    return [_parse_box(part.strip()) for part in text.split(";") if part.strip()]


def as_text(found: Iterable[LabelledBox]) -> str:
    """Returns boxes as canaries write them."""
    return "; ".join(map(str, found))


def match_expected(found: Sequence[LabelledBox], expected: str) -> str:
    """Returns `expected` if the same labels have overlapping boxes, else the boxes that were found."""
    wanted = parse(expected)
    left = list(found)
    for box in wanted:
        match = next((each for each in left if _matches(each, box)), None)
        if match is None:
            return as_text(found)
        left.remove(match)
    return as_text(found) if left else expected


def overlap(one: Box, other: Box) -> float:
    """Returns the intersection over union of two boxes."""
    across, down = (min(one[side + 2], other[side + 2]) - max(one[side], other[side]) for side in (0, 1))
    common = max(across, 0.0) * max(down, 0.0)
    whole = _area(one) + _area(other) - common
    return common / whole if whole else 0.0


def box_problems(box: Box, size: tuple[int, int]) -> Iterator[str]:
    """Yields a problem with a box in an image of a given size. A box may cross the edge of the image."""
    width, height = size
    xmin, ymin, xmax, ymax = box
    written = f"the box {_rounded(box)}"
    if xmax < xmin or ymax < ymin:
        yield f"{written} ends before it begins: its numbers are not xmin, ymin, xmax, ymax"
    elif not (-1 <= (xmin + xmax) / 2 <= width + 1 and -1 <= (ymin + ymax) / 2 <= height + 1):
        yield f"{written} has its middle outside of the image, which is {width} wide and {height} high"
    elif xmax - xmin > 1.5 * width + 2 or ymax - ymin > 1.5 * height + 2:
        yield f"{written} is larger than the image, which is {width} wide and {height} high"


def _rounded(box: Box) -> str:
    return ", ".join(f"{side:.0f}" for side in box)


def _area(box: Box) -> float:
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def _matches(one: LabelledBox, other: LabelledBox) -> bool:
    if one.label.lower() != other.label.lower():
        return False
    return one.box is None or other.box is None or overlap(one.box, other.box) >= MINIMUM_OVERLAP


def _parse_box(part: str) -> LabelledBox:
    match = LABEL_AND_BOX.fullmatch(part)
    if not match:
        return LabelledBox(part)
    xmin, ymin, xmax, ymax = (float(match[number]) for number in range(2, 6))
    return LabelledBox(match["label"], (xmin, ymin, xmax, ymax))
