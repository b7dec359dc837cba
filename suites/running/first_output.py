"""The first numbers that a model returns while a pipeline answers, before they become labels, boxes or words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

STEPS = 16
"""Rounding steps of float32 by which a constant output may differ: kernels choose the order of sums by the shape."""


def can_be_seen(model: Any) -> bool:
    """True if the model is one module, whose calls can be observed."""
    return hasattr(model, "register_forward_hook")


def of(model: Any, answer: Callable[[], Any]) -> torch.Tensor | None:
    """Returns the first floating-point tensor of the first call of the model; None if there is none.

    For a model that writes, these are the logits of the first token.
    """
    seen: list[torch.Tensor | None] = []

    def see(module: Any, given: Any, output: Any) -> None:
        if not seen:
            seen.append(next(_tensors(output), None))

    handle = model.register_forward_hook(see)
    try:
        answer()
    finally:
        handle.remove()
    return seen[0] if seen else None


def equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    """True if two outputs agree in what both have: longer inputs may give longer outputs."""
    import torch

    if one.dim() != other.dim():
        return False
    common = tuple(slice(0, min(sizes)) for sizes in zip(one.shape, other.shape, strict=True))
    one, other = one[common], other[common]
    tolerance = STEPS * torch.finfo(torch.float32).eps if one.dtype in (torch.float32, torch.float64) else 0.0
    finite = one.isfinite() & other.isfinite()
    scale = float(torch.maximum(one.abs(), other.abs())[finite].max()) if finite.any() else 0.0
    return bool(torch.allclose(one.float(), other.float(), rtol=0, atol=tolerance * scale))


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if hasattr(value, "is_floating_point"):
        if value.is_floating_point() and value.numel():
            yield value.detach().cpu().clone()
        return
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, (tuple, list)) else ()
    for part in parts:
        yield from _tensors(part)
