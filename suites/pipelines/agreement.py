"""Whether two answers of a pipeline agree: numbers within rounding, everything else exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any

from fixtures.tasks.pipe import Pipe

ROUNDING = {"float64": 1e-9, "float32": 1e-4, "float16": 1e-2, "bfloat16": 5e-2}
"""Share of the largest number: some hundred roundings of a model's dtype, in which other batches sum in other order."""
SHOWN = 200


def rounding(pipe: Pipe) -> float:
    """The relative difference that the dtype of the model explains."""
    dtype = str(pipe.model.dtype).removeprefix("torch.")
    quantized = getattr(pipe.model, "is_quantized", False)
    return max(ROUNDING.get(dtype, 5e-2), 5e-2 if quantized else 0.0)


def difference(expected: Any, actual: Any, tolerance: float) -> str | None:
    """Where two answers differ, in words; None where they agree."""
    return next(_differences(expected, actual, tolerance, "the answer"), None)


def _differences(left: Any, right: Any, tolerance: float, place: str) -> Iterator[str]:
    left, right = _plain(left), _plain(right)
    if _is_numbers(left) and _is_numbers(right):
        yield from _of_numbers(left, right, tolerance, place)
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
        yield f"{place} is {shown(left)}, then {shown(right)}"


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


def _of_numbers(left: Any, right: Any, tolerance: float, place: str) -> Iterator[str]:
    import numpy

    if left.shape != right.shape:
        yield f"{place} has the shape {list(left.shape)}, then {list(right.shape)}"
        return
    one, other = left.astype("float64"), right.astype("float64")
    apart = numpy.abs(one - other)[~((one == other) | (numpy.isnan(one) & numpy.isnan(other)))]
    size = float(numpy.nanmax(numpy.abs(one), initial=0.0)) if left.size else 0.0
    worst = float(numpy.nan_to_num(apart, nan=numpy.inf).max(initial=0.0))
    if worst > tolerance * max(size, 1.0):
        at = f", {left.item():.6g}, then {right.item():.6g}" if left.size == 1 else f" by up to {worst:.3g}"
        yield f"{place} differs{at}"


def shown(value: Any) -> str:
    """A value as a report shows it."""
    text = repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + " ..."
