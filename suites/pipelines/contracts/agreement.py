"""Comparison of two answers of a pipeline: numbers within rounding, everything else exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from fixtures.pipelines.pipe import Pipe

ROUNDING = {"float64": 1e-9, "float32": 1e-4, "float16": 1e-2, "bfloat16": 5e-2}
"""Tolerance by dtype, relative to the largest number: some hundred roundings, because batches change the order of sums.

The generation suite measures its tolerance instead, with several runs that add noise to every layer. For scores, boxes
and words after post-processing, such runs would add little, and every task would need them.
"""
PIXELS = 0.01
"""Share of the pixels of a mask that are at its edge, where rounding decides."""
LENGTH = 200
"""Characters of a value in a finding."""


def rounding(pipe: Pipe) -> float:
    """Returns the relative difference that the dtype of the model explains."""
    dtype = str(pipe.model.dtype).removeprefix("torch.")
    quantized = getattr(pipe.model, "is_quantized", False)
    return max(ROUNDING.get(dtype, 5e-2), 5e-2 if quantized else 0.0)


def difference(expected: Any, actual: Any, tolerance: float, integer_tolerance: int = 0) -> str | None:
    """Describes the first difference of two answers; None if they agree.

    Whole numbers may differ by `integer_tolerance`, pixels of images by one level, and a few pixels by any amount:
    rounding errors decide at the edge of a mask and between two levels.
    """
    allowed = Tolerance(tolerance, integer_tolerance, 0 if tolerance == 0 else PIXELS)
    return next(_differences(expected, actual, allowed, "the answer"), None)


@dataclass(frozen=True)
class Tolerance:
    """The difference that is allowed between two answers."""

    numbers: float
    """Relative to the largest number."""
    integers: int
    pixels: float
    """Share of the pixels of an image or a mask."""


def _differences(left: Any, right: Any, tolerance: Tolerance, path: str) -> Iterator[str]:
    if _is_image(left) and _is_image(right):
        yield from _image_differences(left, right, tolerance, path)
        return
    whole = tolerance.integers if isinstance(left, int) and isinstance(right, int) else 0
    left, right = _as_array(left), _as_array(right)
    if _is_numbers(left) and _is_numbers(right):
        yield from _number_differences(left, right, tolerance.numbers, path, whole)
    elif isinstance(left, Mapping) and isinstance(right, Mapping):
        if left.keys() != right.keys():
            yield f"{path} has the keys {sorted(map(str, left))}, then {sorted(map(str, right))}"
        for key in left.keys() & right.keys():
            yield from _differences(left[key], right[key], tolerance, f"{path}[{key!r}]")
    elif isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        if len(left) != len(right):
            yield f"{path} has {len(left)} entries, then {len(right)}"
        for number, (one, other) in enumerate(zip(left, right, strict=False)):
            yield from _differences(one, other, tolerance, f"{path}[{number}]")
    elif left != right:
        yield f"{path} is {brief(left)}, then {brief(right)}"


def _as_array(value: Any) -> Any:
    """Converts tensors, images and numbers into numpy arrays."""
    import numpy

    if hasattr(value, "detach"):
        value = value.detach().cpu().float().numpy()
    if hasattr(value, "getbands") or (isinstance(value, Real) and not isinstance(value, bool)):
        value = numpy.asarray(value)
    if isinstance(value, (list, tuple)) and value and _all_numbers(value):
        value = numpy.asarray(value)
    return value


def _all_numbers(value: Any) -> bool:
    """True if nested lists hold only numbers, in rows of equal length."""
    import numpy

    try:
        return numpy.asarray(value).dtype.kind in "iuf"
    except ValueError:  # rows of different length
        return False


def _is_numbers(value: Any) -> bool:
    return getattr(getattr(value, "dtype", None), "kind", "") in tuple("iufb")


def _is_image(value: Any) -> bool:
    return hasattr(value, "getbands") or str(getattr(value, "dtype", "")).endswith("bool")


def _image_differences(left: Any, right: Any, tolerance: Tolerance, path: str) -> Iterator[str]:
    """Yields the difference of two images or boolean masks."""
    import numpy

    one, other = (numpy.asarray(each).astype("int16") for each in (left, right))
    if one.shape != other.shape:
        yield f"{path} is an image of the shape {list(one.shape)}, then {list(other.shape)}"
        return
    levels = 1 if tolerance.pixels and hasattr(left, "getbands") else 0
    share = float((abs(one - other) > levels).mean()) if one.size else 0.0
    if share > tolerance.pixels:
        yield f"{path} differs in {share:.1%} of its pixels"


def _number_differences(left: Any, right: Any, tolerance: float, path: str, whole: int = 0) -> Iterator[str]:
    import numpy

    if left.shape != right.shape:
        yield f"{path} has the shape {list(left.shape)}, then {list(right.shape)}"
        return
    one, other = left.astype("float64"), right.astype("float64")
    errors = numpy.abs(one - other)[~((one == other) | (numpy.isnan(one) & numpy.isnan(other)))]
    size = float(numpy.nanmax(numpy.abs(one), initial=0.0)) if left.size else 0.0
    worst = float(numpy.nan_to_num(errors, nan=numpy.inf).max(initial=0.0))
    if worst > max(tolerance * max(size, 1.0), whole):
        at = f", {left.item():.6g}, then {right.item():.6g}" if left.size == 1 else f" by up to {worst:.3g}"
        yield f"{path} differs{at}"


def brief(value: Any) -> str:
    """Returns the repr of a value, shortened for a finding."""
    text = repr(value)
    return text if len(text) <= LENGTH else text[:LENGTH] + " ..."
