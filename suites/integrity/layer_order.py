"""Detects swapped layers: in a trained model, statistics of the weights change slowly with depth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from fixtures.models.weight_statistics import TensorStatistics
from suites.integrity.orientation import log_normalized
from suites.integrity.tensor_names import LAYER

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, numpy.dtype[Any]]

MIN_LAYERS = 6
"""With fewer layers no order can be seen."""
SMOOTH = 0.4
"""Rank correlation between the distance of two layers in depth and the difference of their weights."""
MIN_SMOOTH_KINDS, MIN_SMOOTH_SHARE = 4, 0.3
"""Kinds of tensors that must change slowly, and their share; with six random layers a quarter does by chance."""
SHALLOW = 12
"""Layers of a stack in which one swap hides the order of most kinds; there a kind may be smooth after the swap only."""
CLEAR_GAIN = 0.02
NEARLY_ALL = 0.85
SLIGHT_GAIN = 0.003
ALTERNATING = 0.8
"""Share of the difference of neighbours; layers two or three apart that are more alike than this alternate."""
COPY = 0.1
"""Share of the difference of neighbours; layers that are more alike than this are copies and have no order."""


@dataclass(frozen=True)
class Swap:
    """Two layers of a stack, and how swapping them shortens the path through all layers.

    The path is the sum of the differences between neighbouring layers.
    """

    stack: str
    one: int
    other: int
    shorter: float
    """Share by which the path gets shorter, mean over the kinds of tensors."""
    kinds: int
    better: int
    """Kinds of tensors for which it gets shorter."""
    all: int
    """All kinds, including those that do not change slowly."""

    @property
    def clear(self) -> bool:
        """True if clearly swapped: healthy models gain at most 0.01 in half of the kinds, swapped ones 0.02 to 0.4."""
        return (
            self.kinds >= max(MIN_SMOOTH_KINDS, MIN_SMOOTH_SHARE * self.all)
            and self.shorter > CLEAR_GAIN
            and self.better >= NEARLY_ALL * self.kinds
        )


def swaps(stored: Mapping[str, TensorStatistics]) -> list[Swap]:
    """Returns pairs of layers whose swap makes the order smoother, the best first."""
    found = [swap for stack, kinds in _stacks(stored).items() for swap in _swaps(stack, kinds)]
    return sorted((each for each in found if each.shorter > SLIGHT_GAIN), key=lambda each: -each.shorter)


def _stacks(stored: Mapping[str, TensorStatistics]) -> dict[str, list[Array]]:
    """Returns, by stack, the differences between layers (layers x layers) for each kind of tensor and side."""
    kinds: dict[tuple[str, str], dict[int, TensorStatistics]] = {}
    for name, each in stored.items():
        if each.is_float and not each.not_finite and (match := LAYER.match(name)):
            kinds.setdefault((match["stack"], name[match.end() :]), {})[int(match["number"])] = each
    counts: dict[str, int] = {}
    for (stack, _), layers in kinds.items():
        counts[stack] = max(counts.get(stack, 0), len(layers))
    found: dict[str, list[Array]] = {}
    for (stack, _), layers in kinds.items():
        whole = (
            sorted(layers) == list(range(counts[stack])) and len({each.tensor.shape for each in layers.values()}) == 1
        )
        if whole and len(layers) >= MIN_LAYERS:
            found.setdefault(stack, []).extend(_differences([layers[number] for number in sorted(layers)]))
    return found


def _differences(layers: list[TensorStatistics]) -> Iterator[Array]:
    import numpy

    sides = [[each.rows for each in layers], [each.columns for each in layers]]
    if layers[0].rows is None:  # a vector, of which a sample was read
        sides = [[each.sample for each in layers]]
    for side in sides:
        if side[0] is None or len(side[0]) < 32:
            continue
        vectors = [_normalized(each) if layers[0].rows is None else log_normalized(each) for each in side]
        if all(vector.any() for vector in vectors):
            profiles = numpy.stack(vectors)
            yield 1 - profiles @ profiles.T


def _normalized(values: Any) -> Array:
    """The values with mean 0 and length 1; zeros if they are constant."""
    import numpy

    centered = numpy.asarray(values, dtype="float64") - numpy.mean(values)
    length = float(numpy.linalg.norm(centered))
    return numpy.asarray(centered / length if length > 1e-9 * len(centered) else centered * 0)


def _swaps(stack: str, kinds: list[Array]) -> Iterator[Swap]:
    import numpy

    smooth, alternating = [_smooth(kind) for kind in kinds], [_alternating(kind) for kind in kinds]
    if any(_has_copies(kind) for kind in kinds):
        return
    layers = range(len(kinds[0]) if kinds else 0)
    shallow = len(layers) <= SHALLOW
    for one, other in combinations(layers, 2):
        order = list(layers)
        order[one], order[other] = other, one
        compared = [
            kind
            for kind, is_smooth, alternates in zip(kinds, smooth, alternating, strict=True)
            if is_smooth or (shallow and not alternates and _smooth(kind[numpy.ix_(order, order)]))
        ]
        gains = [1 - _path(kind, order) / _path(kind, list(layers)) for kind in compared]
        if gains:
            yield Swap(
                stack, one, other, float(numpy.mean(gains)), len(gains), sum(gain > 0 for gain in gains), len(kinds)
            )


def _path(differences: Array, order: list[int]) -> float:
    return float(differences[order[:-1], order[1:]].sum())


def _smooth(differences: Array) -> bool:
    """True if layers are the more alike the nearer they are; not if two kinds of layers alternate."""
    import numpy

    count = len(differences)
    one, other = numpy.triu_indices(count, 1)
    apart, different = _ranks(abs(one - other)), _ranks(differences[one, other])
    steps = [float(numpy.median(numpy.diagonal(differences, step))) for step in (1, 2, min(4, count - 1))]
    return bool(numpy.corrcoef(apart, different)[0, 1] > SMOOTH) and steps[0] < steps[1] < steps[2]


def _alternating(differences: Array) -> bool:
    """True if layers two or three apart are more alike than neighbours: different kinds of layers alternate."""
    import numpy

    steps = [float(numpy.median(numpy.diagonal(differences, step))) for step in (1, 2, 3)]
    return min(steps[1:]) < ALTERNATING * steps[0]


def _ranks(values: Array) -> Array:
    return values.argsort(kind="stable").argsort(kind="stable")


def _has_copies(differences: Array) -> bool:
    """True if layers that are not neighbours are nearly equal, as in a model grown by copying layers."""
    import numpy

    usual = float(numpy.median(numpy.diagonal(differences, 1)))
    one, other = numpy.triu_indices(len(differences), 3)
    return bool(len(one)) and float(differences[one, other].min()) < COPY * usual and not math.isclose(usual, 0)
