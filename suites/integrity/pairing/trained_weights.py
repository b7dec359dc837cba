"""Tells trained from randomly initialised weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from suites.findings import NotApplicable

if TYPE_CHECKING:
    import torch

UNTRAINED = "the weights are not trained: the embeddings are like random numbers, so no text is likelier than another"
ROWS = 2048
STEPS = 24
TRAINED = 1.3
"""Threshold of the excess. Random matrices have at most 1.0, SmolLM2 has 10, built-ins of a few hundred steps 3.8."""


def excess_over_noise(model: Any) -> float:
    """Returns the largest singular value of the embedding matrices as a multiple of that of noise of their size.

    A random matrix has a largest singular value of (sqrt(rows) + sqrt(columns)) times its standard deviation; training
    adds directions that all rows share. Source: V. Marchenko, L. Pastur, Math. USSR Sbornik 1 (1967).
    """
    return max((_excess(weight) for weight in _matrices(model)), default=0.0)


def require_trained(model: Any) -> None:
    """Raises NotApplicable for a model with random weights, of which no likelihood can be expected."""
    __tracebackhide__ = True
    if excess_over_noise(model) <= TRAINED:
        raise NotApplicable(UNTRAINED)


def _matrices(model: Any) -> Iterator[torch.Tensor]:
    for module in (model.get_input_embeddings(), model.get_output_embeddings()):
        weight = getattr(module, "weight", None)
        if weight is not None and weight.dim() == 2 and weight.is_floating_point() and weight.element_size() > 1:
            yield weight


def _excess(weight: torch.Tensor) -> float:
    """Uses power iteration on rows of norm 1, so that rows of different variance do not count as structure."""
    import torch

    with torch.inference_mode():
        rows = weight[:: max(1, len(weight) // ROWS)].float()
        norms = rows.norm(dim=1)
        rows = rows[(norms > 0) & norms.isfinite()]
        if len(rows) < 2:
            return 0.0
        rows = rows / rows.norm(dim=1, keepdim=True) * math.sqrt(rows.shape[1])
        vector = torch.randn(rows.shape[1], generator=torch.Generator().manual_seed(0)).to(rows.device)
        for _ in range(STEPS):
            vector = rows.T @ (rows @ (vector / vector.norm()))
        return math.sqrt(float(vector.norm())) / (math.sqrt(rows.shape[0]) + math.sqrt(rows.shape[1]))
