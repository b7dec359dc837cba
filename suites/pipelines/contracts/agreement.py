"""Whether two answers of a pipeline agree: numbers within rounding, everything else exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from fixtures.pipelines.pipe import Pipe

ROUNDING = {"float64": 1e-9, "float32": 1e-4, "float16": 1e-2, "bfloat16": 5e-2}
"""Share of the largest number: some hundred roundings of a model's dtype, in which other batches sum in other order.

A table, and not measured as in the generation suite: that rounds the output of every layer at random and compares
logits, while answers here are scores, places and words behind a processor, for which a run with noise tells little
that a fixed share does not, at the price of several more runs of every task.
"""
PIXELS = 0.01
"""Share of the pixels of a mask that lie at its edge, and fall to the one or the other side by rounding."""
SHOWN = 200


def rounding(pipe: Pipe) -> float:
    """The relative difference that the dtype of the model explains."""
    dtype = str(pipe.model.dtype).removeprefix("torch.")
    quantized = getattr(pipe.model, "is_quantized", False)
    return max(ROUNDING.get(dtype, 5e-2), 5e-2 if quantized else 0.0)


def difference(expected: Any, actual: Any, tolerance: float, whole_numbers: int = 0) -> str | None:
    """Where two answers differ, in words; None where they agree.

    Whole numbers may differ by `whole_numbers`, pixels of pictures by a level, and a few pixels as much as they like:
    where a mask ends, and which of two levels is nearer, is decided by a rounding error.
    """
    slack = Slack(tolerance, whole_numbers, 0 if tolerance == 0 else PIXELS)
    return next(_differences(expected, actual, slack, "the answer"), None)


@dataclass(frozen=True)
class Slack:
    """By how much two answers may differ."""

    numbers: float
    """Share of the largest number."""
    whole_numbers: int
    pixels: float
    """Share of the pixels of a picture or a mask."""


def _differences(left: Any, right: Any, tolerance: Slack, place: str) -> Iterator[str]:
    if _is_picture(left) and _is_picture(right):
        yield from _of_pictures(left, right, tolerance, place)
        return
    whole = tolerance.whole_numbers if isinstance(left, int) and isinstance(right, int) else 0
    left, right = _plain(left), _plain(right)
    if _is_numbers(left) and _is_numbers(right):
        yield from _of_numbers(left, right, tolerance.numbers, place, whole)
    elif isinstance(left, Mapping) and isinstance(right, Mapping):
        if left.keys() != right.keys():
            yield f"{place} has the keys {sorted(map(str, left))}, then {sorted(map(str, right))}"
        for key in left.keys() & right.keys():
            yield from _differences(left[key], right[key], tolerance, f"{place}[{key!r}]")
    elif isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        if len(left) != len(right):
            yield f"{place} has {len(left)} entries, then {len(right)}"
        for number, (one, other) in enumerate(zip(left, right, strict=False)):
            yield from _differences(one, other, tolerance, f"{place}[{number}]")
    elif left != right:
        yield f"{place} is {brief(left)}, then {brief(right)}"


def _plain(value: Any) -> Any:
    """Tensors, images and numbers as arrays of numpy."""
    import numpy

    if hasattr(value, "detach"):
        value = value.detach().cpu().float().numpy()
    if hasattr(value, "getbands") or (isinstance(value, Real) and not isinstance(value, bool)):
        value = numpy.asarray(value)
    if isinstance(value, (list, tuple)) and value and _all_numbers(value):
        value = numpy.asarray(value)
    return value


def _all_numbers(value: Any) -> bool:
    """Whether nested lists hold numbers alone, in rows of one length."""
    import numpy

    try:
        return numpy.asarray(value).dtype.kind in "iuf"
    except ValueError:  # rows of different length
        return False


def _is_numbers(value: Any) -> bool:
    return getattr(getattr(value, "dtype", None), "kind", "") in tuple("iufb")


def _is_picture(value: Any) -> bool:
    return hasattr(value, "getbands") or str(getattr(value, "dtype", "")).endswith("bool")


def _of_pictures(left: Any, right: Any, tolerance: Slack, place: str) -> Iterator[str]:
    """Pictures, and masks of True and False."""
    import numpy

    one, other = (numpy.asarray(each).astype("int16") for each in (left, right))
    if one.shape != other.shape:
        yield f"{place} is a picture of the shape {list(one.shape)}, then {list(other.shape)}"
        return
    levels = 1 if tolerance.pixels and hasattr(left, "getbands") else 0
    share = float((abs(one - other) > levels).mean()) if one.size else 0.0
    if share > tolerance.pixels:
        yield f"{place} differs in {share:.1%} of its pixels"


def _of_numbers(left: Any, right: Any, tolerance: float, place: str, whole: int = 0) -> Iterator[str]:
    import numpy

    if left.shape != right.shape:
        yield f"{place} has the shape {list(left.shape)}, then {list(right.shape)}"
        return
    one, other = left.astype("float64"), right.astype("float64")
    apart = numpy.abs(one - other)[~((one == other) | (numpy.isnan(one) & numpy.isnan(other)))]
    size = float(numpy.nanmax(numpy.abs(one), initial=0.0)) if left.size else 0.0
    worst = float(numpy.nan_to_num(apart, nan=numpy.inf).max(initial=0.0))
    if worst > max(tolerance * max(size, 1.0), whole):
        at = f", {left.item():.6g}, then {right.item():.6g}" if left.size == 1 else f" by up to {worst:.3g}"
        yield f"{place} differs{at}"


def brief(value: Any) -> str:
    """A value as a report shows it."""
    text = repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + " ..."
