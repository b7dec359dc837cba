"""Whether a model was trained at all, told from its weights alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

ROWS = 2048
STEPS = 24
TRAINED = 1.3
"""Random matrices of this size stay within 1.0; SmolLM2 has 10, the tiny built-ins after a few hundred steps 3.8."""


def excess(model: Any) -> float:
    """The largest singular value of the vocabulary's matrices as a share of what noise of their size reaches.

    Rows of one random distribution have a largest singular value of sqrt(rows) + sqrt(columns) times their spread;
    training leaves directions that all rows share. Source: V. Marchenko, L. Pastur, Math. USSR Sbornik 1 (1967).
    """
    return max((_excess(weight) for weight in _matrices(model)), default=0.0)


def trained(model: Any) -> bool:
    return excess(model) > TRAINED


def _matrices(model: Any) -> Iterator[torch.Tensor]:
    for module in (model.get_input_embeddings(), model.get_output_embeddings()):
        weight = getattr(module, "weight", None)
        if weight is not None and weight.dim() == 2 and weight.is_floating_point() and weight.element_size() > 1:
            yield weight


def _excess(weight: torch.Tensor) -> float:
    """By power iteration on rows of one length, so that rows drawn wider than others are no structure."""
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
