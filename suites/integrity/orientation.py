"""Detects transposed square matrices by the norms of their rows and columns.

Training makes some dimensions of the hidden state larger than others, the same ones in every layer. Matrices of one
kind therefore have similar norms along the side of the hidden state in all layers, and not along the other side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fixtures.models.weight_statistics import TensorStatistics

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, numpy.dtype[Any]]

MIN_LAYERS = 3
"""If two layers differ, neither is known to be the wrong one."""
CHANCE = 6.0
"""Standard deviations (1 / sqrt(width)) of the correlation of random profiles; the best of some hundred has less."""
MIN_CORRELATION = 0.3
MIN_RATIO = 2.0


@dataclass(frozen=True)
class Orientation:
    """Correlations of a square matrix with the best match of its kind in other layers, as stored and transposed."""

    matrix: TensorStatistics
    as_stored: float
    transposed: float

    @property
    def is_transposed(self) -> bool:
        enough = max(MIN_CORRELATION, CHANCE / math.sqrt(self.matrix.tensor.shape[0]))
        return self.transposed > enough and self.transposed > MIN_RATIO * max(0.0, self.as_stored)


def orientations(group: list[TensorStatistics]) -> list[Orientation]:
    """Returns the orientation of each square matrix of one kind; [] if there is nothing to compare."""
    if len(group) < MIN_LAYERS or not all(_square(each) for each in group):
        return []
    import numpy

    rows = numpy.stack([log_normalized(each.rows) for each in group])
    columns = numpy.stack([log_normalized(each.columns) for each in group])
    as_stored = numpy.maximum(_best_other(rows @ rows.T), _best_other(columns @ columns.T))
    transposed = numpy.maximum(_best_other(rows @ columns.T), _best_other(columns @ rows.T))
    return [Orientation(each, float(a), float(b)) for each, a, b in zip(group, as_stored, transposed, strict=True)]


def log_normalized(norms: Any) -> Array:
    """Logarithms with mean 0 and length 1, so that the product of two is their correlation; zeros if all are equal."""
    import numpy

    logs = numpy.log(numpy.asarray(norms, dtype="float64") + 1e-12)
    logs -= logs.mean()
    length = float(numpy.linalg.norm(logs))
    return numpy.asarray(logs / length if length > 1e-6 * len(logs) else logs * 0)


def _best_other(products: Array) -> Array:
    """The highest correlation with another matrix of the group, shape (group,)."""
    import numpy

    numpy.fill_diagonal(products, -1.0)
    return numpy.asarray(products.max(axis=1))


def _square(each: TensorStatistics) -> bool:
    shape = each.tensor.shape
    return each.rows is not None and len(shape) == 2 and shape[0] == shape[1] and not each.not_finite
