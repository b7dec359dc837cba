"""What Pillow makes of an image under the settings of an image processor, for each way of resizing and cropping."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from suites.pipelines.processors import setting

INTERPOLATIONS = ("nearest", "Lanczos", "bilinear", "bicubic", "box", "Hamming")
"""Interpolations in the order of Pillow's numbers."""
WITHOUT_FILTER = {2: "bilinear", 3: "bicubic"}
"""Interpolations that torch also has without the filter against aliasing."""
CROP_SHARE = 224 / 256
"""Share of the resized image that is cropped where a class has no setting for it."""
INFINITE = float("inf")


@dataclass(frozen=True)
class Geometry:
    """A way to resize and crop."""

    resized: tuple[int, int]
    """Width and height."""
    box: tuple[int, int, int, int] | None = None
    """The part that is cropped: left, top, right, bottom."""


def geometries(processor: Any, width: int, height: int) -> list[Geometry]:
    """Returns the ways that fit `size`, `crop_size` and `crop_pct`; several, because classes read them differently."""
    size, crop = _sides(setting(processor, "size")), _sides(setting(processor, "crop_size"))
    cropped = (crop["width"], crop["height"]) if setting(processor, "do_center_crop") and "width" in crop else None
    found = [Geometry(each, box) for each in _resized(size, width, height) for box in _boxes(each, cropped)]
    if size.keys() == {"shortest_edge"}:
        edge, share = size["shortest_edge"], setting(processor, "crop_pct") or CROP_SHARE
        larger = _resized({"shortest_edge": int(edge / share)}, width, height)
        found += [Geometry(each, box) for each in larger for box in _boxes(each, cropped or (edge, edge))]
    return list(dict.fromkeys(found))


def is_exact(processor: Any) -> bool:
    """True if `size` has the height and width of every image, and nothing is cropped."""
    crops = setting(processor, "do_center_crop") or setting(processor, "crop_pct")
    return not crops and _sides(setting(processor, "size")).keys() == {"height", "width"}


def pixels(image: Any, geometry: Geometry, resample: int) -> Any:
    """Returns the levels of a resized and cropped image (channels x height x width), as Pillow makes them."""
    import numpy
    from PIL import Image

    made = Image.fromarray(image).resize(geometry.resized, resample)  # type: ignore[arg-type]
    made = made.crop(geometry.box) if geometry.box else made
    return numpy.moveaxis(numpy.asarray(made, dtype="float64"), -1, 0)


def unfiltered(image: Any, geometry: Geometry, mode: str) -> Any:
    """Likewise, as torch resizes without the filter against aliasing."""
    import torch

    rows = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float()
    made = torch.nn.functional.interpolate(rows, geometry.resized[::-1], mode=mode)[0].round().clamp(0, 255)
    left, top, right, bottom = geometry.box or (0, 0, *geometry.resized)
    return made[:, top:bottom, left:right].double().numpy()


def _sides(size: Any) -> dict[str, int]:
    plain: Mapping[str, Any] = dict(size) if isinstance(size, Iterable) and not isinstance(size, str) else {}
    return {name: value for name, value in plain.items() if type(value) is int}


def _resized(size: Mapping[str, int], width: int, height: int) -> Iterator[tuple[int, int]]:
    if size.keys() == {"height", "width"}:
        yield size["width"], size["height"]
    elif size and size.keys() <= {"shortest_edge", "longest_edge"}:
        scale = min(size.get("shortest_edge", INFINITE) / min(width, height), _longest(size) / max(width, height))
        yield from dict.fromkeys((turn(width * scale), turn(height * scale)) for turn in (int, round))
        if "longest_edge" not in size:
            yield size["shortest_edge"], size["shortest_edge"]


def _longest(size: Mapping[str, int]) -> float:
    return size.get("longest_edge") or INFINITE


def _boxes(resized: tuple[int, int], cropped: tuple[int, int] | None) -> Iterator[tuple[int, int, int, int] | None]:
    """Center crops, whose odd rests libraries round differently; none if the image is smaller."""
    if cropped is None or cropped == resized:
        yield None
    elif all(whole >= part for whole, part in zip(resized, cropped, strict=True)):
        width, height = cropped
        left, top = (resized[0] - width) / 2, (resized[1] - height) / 2
        for x in dict.fromkeys((int(left), int(left + 0.5))):
            for y in dict.fromkeys((int(top), int(top + 0.5))):
                yield x, y, x + width, y + height
