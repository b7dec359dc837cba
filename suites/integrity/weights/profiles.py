"""How the numbers of a matrix lie over its rows and its columns, and which of the two reads the hidden state.

Training makes some dimensions of the hidden state larger than others, in every layer the same ones. The matrices of
one kind therefore have alike sums of squares over that side in all layers, and over the other side none alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fixtures.models.weight_statistics import Stored

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, numpy.dtype[Any]]

FEWEST = 3
"""Layers: of two that differ none can be told to be the wrong one."""
CHANCE = 6.0
"""Standard deviations of the correlation of two random profiles, 1 / sqrt(width): what the best of some hundred pairs
does not reach."""
ALIKE = 0.3
TWICE = 2.0


@dataclass(frozen=True)
class Lie:
    """How well a matrix fits the others of its kind, as it lies and turned; correlations, the best of the others."""

    matrix: Stored
    straight: float
    turned: float

    @property
    def transposed(self) -> bool:
        enough = max(ALIKE, CHANCE / math.sqrt(self.matrix.tensor.shape[0]))
        return self.turned > enough and self.turned > TWICE * max(0.0, self.straight)


def lies(group: list[Stored]) -> list[Lie]:
    """For each of the square matrices of one kind; [] where there is nothing to compare."""
    if len(group) < FEWEST or not all(_square(each) for each in group):
        return []
    import numpy

    rows = numpy.stack([normal(each.rows) for each in group])
    columns = numpy.stack([normal(each.columns) for each in group])
    straight = numpy.maximum(_others(rows @ rows.T), _others(columns @ columns.T))
    turned = numpy.maximum(_others(rows @ columns.T), _others(columns @ rows.T))
    return [Lie(each, float(a), float(b)) for each, a, b in zip(group, straight, turned, strict=True)]


def normal(sizes: Any) -> Array:
    """Logarithms with mean 0 and length 1, so that a product of two is their correlation; zeros where all are alike."""
    import numpy

    logs = numpy.log(numpy.asarray(sizes, dtype="float64") + 1e-12)
    logs -= logs.mean()
    length = float(numpy.linalg.norm(logs))
    return numpy.asarray(logs / length if length > 1e-6 * len(logs) else logs * 0)


def _others(products: Array) -> Array:
    """The best with another of the group, shape (group,)."""
    import numpy

    numpy.fill_diagonal(products, -1.0)
    return numpy.asarray(products.max(axis=1))


def _square(each: Stored) -> bool:
    shape = each.tensor.shape
    return each.rows is not None and len(shape) == 2 and shape[0] == shape[1] and not each.not_finite
