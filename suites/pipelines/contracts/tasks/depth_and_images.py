"""Depth estimation and image-to-image: a number or a colour for each pixel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fixtures.inputs import images, scenes
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.image_inputs import image_forms, invalid_images

MINIMUM_CORRELATION = 0.9
"""Smallest correlation of a depth map with its picture."""
COLOUR_TOLERANCE = 40
"""Levels (of 255) by which a colour may differ from the canary's."""


def depth_problems(sample: Any, answer: Mapping[str, Any], pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless each pixel has a finite depth, and the picture of the depth shows these numbers."""
    import numpy

    depth, shown = numpy.asarray(answer["predicted_depth"], dtype="float64"), answer["depth"]
    wanted = sample.size[::-1]
    if depth.shape != wanted:
        yield f"the depth has the shape {list(depth.shape)}, the image is {wanted[0]} high and {wanted[1]} wide"
    elif not numpy.isfinite(depth).all():
        yield "the depth holds values that are NaN or infinite"
    elif shown.size != sample.size:
        yield f"the picture of the depth has the size {shown.size}, the image {sample.size}"
    elif depth.std() > 1e-6 * abs(depth).max() and _correlation(depth, shown) < MINIMUM_CORRELATION:
        yield f"the picture of the depth does not show it: their correlation is {_correlation(depth, shown):.2f}"


def _correlation(depth: Any, shown: Any) -> float:
    import numpy

    levels = numpy.asarray(shown.convert("L"), dtype="float64")
    return float(numpy.corrcoef(depth.ravel(), levels.ravel())[0, 1]) if levels.std() else 0.0


def compare_depths(answer: Mapping[str, Any], expected: str) -> str:
    """Returns `20,29 > 1,1; ...` with the signs for the actual depths at these pixels (x,y)."""
    return "; ".join(_compare(answer["predicted_depth"], part) for part in expected.split(";"))


def _compare(depth: Any, part: str) -> str:
    first, _, second = part.split()
    height, width = depth.shape
    if any(int(x) >= width or int(y) >= height for x, y in (first.split(","), second.split(","))):
        return f"{width} x {height} pixels"
    one, other = (float(depth[int(y)][int(x)]) for x, y in (first.split(","), second.split(",")))
    return f"{first} {'>' if one > other else '<' if one < other else '='} {second}"


def largest_depth(answer: Mapping[str, Any]) -> str:
    """Returns the position of the largest depth."""
    import numpy

    depth = numpy.asarray(answer["predicted_depth"])
    y, x = numpy.unravel_index(int(depth.argmax()), depth.shape)
    return f"most at {x},{y}"


def image_problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless the answer is an RGB image, enlarged as the config states (padding allowed)."""
    upscale = getattr(pipe.model.config, "upscale", 1)
    wanted = tuple(upscale * side for side in sample.size)
    most = tuple(upscale * (side + _padding(pipe)) for side in sample.size)
    if answer.mode != "RGB":
        yield f"the image is in mode {answer.mode}"
    if not all(low <= side <= high for low, side, high in zip(wanted, answer.size, most, strict=True)):
        whole = f"{wanted[0]} x {wanted[1]}"
        yield f"the image is {answer.size[0]} x {answer.size[1]}; {upscale} times the original is {whole}"


def _padding(pipe: Pipe) -> int:
    from suites.pipelines.processors import processor_of, setting

    processor = processor_of(pipe)
    sizes = [setting(processor, name) for name in ("size_divisor", "pad_size")]
    return max((size for size in sizes if isinstance(size, int)), default=0) if setting(processor, "do_pad") else 0


def match_colours(answer: Any, expected: str) -> str:
    """Returns `middle 210,30,30; corner 235,235,225` if these colours are close, else the actual colours."""
    parts = [part.split() for part in expected.split(";")]
    found = [(position, answer.getpixel(_at(position, answer))) for position, _ in parts]
    near = all(
        max(abs(int(level) - got) for level, got in zip(wanted.split(","), levels, strict=True)) <= COLOUR_TOLERANCE
        for (_, wanted), (_, levels) in zip(parts, found, strict=True)
    )
    return expected if near else "; ".join(f"{position} {','.join(map(str, levels))}" for position, levels in found)


def _at(position: str, picture: Any) -> tuple[int, int]:
    return (3, 3) if position == "corner" else (picture.size[0] // 2, picture.size[1] // 2)


CONTRACTS = (
    Contract(
        tasks=("depth-estimation",),
        samples=lambda pipe: scenes.pictures(),
        problems=depth_problems,
        other_forms=image_forms,
        invalid_inputs=invalid_images,
        meaning=largest_depth,
        match_canary=compare_depths,
    ),
    Contract(
        tasks=("image-to-image",),
        samples=lambda pipe: [picture.convert("RGB") for picture in images.pictures()],
        problems=image_problems,
        other_forms=image_forms,
        invalid_inputs=invalid_images,
        match_canary=match_colours,
    ),
)
