"""Whether the layers lie in the order in which they were trained: what they are like changes slowly with depth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from fixtures.models.weight_statistics import Stored
from suites.integrity.tensor_names import LAYER
from suites.integrity.weights.profiles import normal

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, numpy.dtype[Any]]

FEWEST = 6
"""Layers; with fewer no order shows."""
SMOOTH = 0.4
"""Rank correlation between how far apart two layers are and how different."""
SMOOTH_KINDS, OF_ALL = 4, 0.3
"""Kinds of tensors that must change slowly, and their share: of random ones with six layers a quarter does."""
SHALLOW = 12
"""Layers of a stack in which one swap hides the order from most kinds: there it may be smooth after the swap only."""
CLEARLY = 0.02
NEARLY_ALL = 0.85
SLIGHTLY = 0.003
TURNS = 0.8
SAME = 0.1
"""Times the difference of neighbours: layers that are that much alike are copies, and have no order."""


@dataclass(frozen=True)
class Swap:
    """Two layers of a stack, and what becomes of the way through all layers when they change places."""

    stack: str
    one: int
    other: int
    shorter: float
    """The share by which the way gets shorter, mean of the kinds of tensors."""
    kinds: int
    better: int
    """Kinds of tensors by which it is shorter."""
    all: int
    """Kinds, those that do not change slowly included."""

    @property
    def clear(self) -> bool:
        """Healthy models have at most 0.01, with half of the kinds; layers swapped in them 0.02 to 0.4, with all."""
        return (
            self.kinds >= max(SMOOTH_KINDS, OF_ALL * self.all)
            and self.shorter > CLEARLY
            and self.better >= NEARLY_ALL * self.kinds
        )


def swaps(stored: Mapping[str, Stored]) -> list[Swap]:
    """Pairs of layers after whose exchange the order is smoother, the best first."""
    found = [swap for stack, kinds in _stacks(stored).items() for swap in _swaps(stack, kinds)]
    return sorted((each for each in found if each.shorter > SLIGHTLY), key=lambda each: -each.shorter)


def _stacks(stored: Mapping[str, Stored]) -> dict[str, list[Array]]:
    """For each stack of layers the differences between them, shape (layers, layers), one for every side of a kind."""
    kinds: dict[tuple[str, str], dict[int, Stored]] = {}
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
        if whole and len(layers) >= FEWEST:
            found.setdefault(stack, []).extend(_differences([layers[number] for number in sorted(layers)]))
    return found


def _differences(layers: list[Stored]) -> Iterator[Array]:
    import numpy

    sides = [[each.rows for each in layers], [each.columns for each in layers]]
    if layers[0].rows is None:  # a vector; of the places that were read
        sides = [[each.sample for each in layers]]
    for side in sides:
        if side[0] is None or len(side[0]) < 32:
            continue
        vectors = [_plain(each) if layers[0].rows is None else normal(each) for each in side]
        if all(vector.any() for vector in vectors):
            profiles = numpy.stack(vectors)
            yield 1 - profiles @ profiles.T


def _plain(values: Any) -> Array:
    """A vector with mean 0 and length 1; zeros where it is constant."""
    import numpy

    moved = numpy.asarray(values, dtype="float64") - numpy.mean(values)
    length = float(numpy.linalg.norm(moved))
    return numpy.asarray(moved / length if length > 1e-9 * len(moved) else moved * 0)


def _swaps(stack: str, kinds: list[Array]) -> Iterator[Swap]:
    import numpy

    smooth, turns = [_smooth(kind) for kind in kinds], [_takes_turns(kind) for kind in kinds]
    if any(_copies(kind) for kind in kinds):
        return
    layers = range(len(kinds[0]) if kinds else 0)
    few = len(layers) <= SHALLOW
    for one, other in combinations(layers, 2):
        order = list(layers)
        order[one], order[other] = other, one
        compared = [kind for kind, already, hidden in zip(kinds, smooth, turns, strict=True)
                    if already or (few and not hidden and _smooth(kind[numpy.ix_(order, order)]))]  # fmt: skip
        gains = [1 - _way(kind, order) / _way(kind, list(layers)) for kind in compared]
        if gains:
            yield Swap(
                stack, one, other, float(numpy.mean(gains)), len(gains), sum(gain > 0 for gain in gains), len(kinds)
            )


def _way(differences: Array, order: list[int]) -> float:
    return float(differences[order[:-1], order[1:]].sum())


def _smooth(differences: Array) -> bool:
    """Layers that are near are alike, and the more so the nearer: not where two sorts of layers take turns."""
    import numpy

    count = len(differences)
    one, other = numpy.triu_indices(count, 1)
    apart, different = _ranks(abs(one - other)), _ranks(differences[one, other])
    steps = [float(numpy.median(numpy.diagonal(differences, step))) for step in (1, 2, min(4, count - 1))]
    return bool(numpy.corrcoef(apart, different)[0, 1] > SMOOTH) and steps[0] < steps[1] < steps[2]


def _takes_turns(differences: Array) -> bool:
    """Whether layers two or three apart are more alike than neighbours: sorts of layers that follow each other."""
    import numpy

    steps = [float(numpy.median(numpy.diagonal(differences, step))) for step in (1, 2, 3)]
    return min(steps[1:]) < TURNS * steps[0]


def _ranks(values: Array) -> Array:
    return values.argsort(kind="stable").argsort(kind="stable")


def _copies(differences: Array) -> bool:
    """Whether layers that are no neighbours are nearly the same, as in a model that was grown by copying them."""
    import numpy

    usual = float(numpy.median(numpy.diagonal(differences, 1)))
    one, other = numpy.triu_indices(len(differences), 3)
    return bool(len(one)) and float(differences[one, other].min()) < SAME * usual and not math.isclose(usual, 0)
