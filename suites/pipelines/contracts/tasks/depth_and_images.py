"""Pictures to a number for each pixel, and to other pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fixtures.inputs import images, scenes
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.tasks.image_classification import no_pictures, other_forms

ALIKE = 0.9
"""Least correlation of two maps that show one thing."""
LEVELS_APART = 40
"""By how many levels of 255 a colour may miss the one that a canary tells."""


def depth_problems(sample: Any, answer: Mapping[str, Any], pipe: Pipe) -> Iterator[str]:
    """A finite number for each pixel of the picture, and a picture of these numbers, dark where they are small."""
    import numpy

    depth, shown = numpy.asarray(answer["predicted_depth"], dtype="float64"), answer["depth"]
    wanted = sample.size[::-1]
    if depth.shape != wanted:
        yield f"the depth has the shape {list(depth.shape)}, the picture is {wanted[0]} high and {wanted[1]} wide"
    elif not numpy.isfinite(depth).all():
        yield "the depth holds values that are NaN or infinite"
    elif shown.size != sample.size:
        yield f"the picture of the depth is {shown.size}, the picture {sample.size}"
    elif depth.std() > 1e-6 * abs(depth).max() and _alike(depth, shown) < ALIKE:
        yield f"the picture of the depth does not show it: they correlate by {_alike(depth, shown):.2f}"


def _alike(depth: Any, shown: Any) -> float:
    import numpy

    levels = numpy.asarray(shown.convert("L"), dtype="float64")
    return float(numpy.corrcoef(depth.ravel(), levels.ravel())[0, 1]) if levels.std() else 0.0


def which_is_more(answer: Mapping[str, Any], expected: str) -> str:
    """`20,29 > 1,1; ...` with the sign that the depths at these pixels (x,y) have."""
    return "; ".join(_compared(answer["predicted_depth"], part) for part in expected.split(";"))


def _compared(depth: Any, part: str) -> str:
    first, _, second = part.split()
    height, width = depth.shape
    if any(int(x) >= width or int(y) >= height for x, y in (first.split(","), second.split(","))):
        return f"{width} x {height} pixels"
    one, other = (float(depth[int(y)][int(x)]) for x, y in (first.split(","), second.split(",")))
    return f"{first} {'>' if one > other else '<' if one < other else '='} {second}"


def farthest(answer: Mapping[str, Any]) -> str:
    """Where the largest number is."""
    import numpy

    depth = numpy.asarray(answer["predicted_depth"])
    y, x = numpy.unravel_index(int(depth.argmax()), depth.shape)
    return f"most at {x},{y}"


def picture_problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """A picture in colours that is as much larger as the config says, and what the processor pads."""
    upscale = getattr(pipe.model.config, "upscale", 1)
    wanted = tuple(upscale * side for side in sample.size)
    most = tuple(upscale * (side + _padding(pipe)) for side in sample.size)
    if answer.mode != "RGB":
        yield f"the picture is in mode {answer.mode}"
    if not all(low <= side <= high for low, side, high in zip(wanted, answer.size, most, strict=True)):
        whole = f"{wanted[0]} x {wanted[1]}"
        yield f"the picture is {answer.size[0]} x {answer.size[1]}; {upscale} times the original is {whole}"


def _padding(pipe: Pipe) -> int:
    from suites.pipelines.image_processing.processors import processor_of, setting

    processor = processor_of(pipe)
    sizes = [setting(processor, name) for name in ("size_divisor", "pad_size")]
    return max((size for size in sizes if isinstance(size, int)), default=0) if setting(processor, "do_pad") else 0


def colours(answer: Any, expected: str) -> str:
    """`middle 210,30,30; corner 235,235,225` where these places have about these colours, else those that they have."""
    parts = [part.split() for part in expected.split(";")]
    found = [(place, answer.getpixel(_at(place, answer))) for place, _ in parts]
    near = all(
        max(abs(int(level) - got) for level, got in zip(wanted.split(","), levels, strict=True)) <= LEVELS_APART
        for (_, wanted), (_, levels) in zip(parts, found, strict=True)
    )
    return expected if near else "; ".join(f"{place} {','.join(map(str, levels))}" for place, levels in found)


def _at(place: str, picture: Any) -> tuple[int, int]:
    return (3, 3) if place == "corner" else (picture.size[0] // 2, picture.size[1] // 2)


CONTRACTS = (
    Contract(
        tasks=("depth-estimation",),
        samples=lambda pipe: scenes.pictures(),
        problems=depth_problems,
        other_forms=other_forms,
        invalid_inputs=no_pictures,
        meaning=farthest,
        match_canary=which_is_more,
    ),
    Contract(
        tasks=("image-to-image",),
        samples=lambda pipe: [picture.convert("RGB") for picture in images.pictures()],
        problems=picture_problems,
        other_forms=other_forms,
        invalid_inputs=no_pictures,
        match_canary=colours,
    ),
)
