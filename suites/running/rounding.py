"""Measures how far rounding moves a model's logits, by Monte Carlo arithmetic.

Every layer's output is changed by random amounts of the size of its rounding error. The change of the logits shows how
the model propagates such errors, whatever its depth, routers or dtype; a fixed tolerance would be a guess.

Source: D. S. Parker, Monte Carlo Arithmetic (1997), https://web.cs.ucla.edu/~stott/mca/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fixtures.quantization import registry
from suites.running.agreement import distances

SAMPLES = 3
MARGIN = 5
"""Factor on the samples, because correct computations also round within layers.

Of 2900 comparisons of 60 healthy families in three dtypes, 1% differed by more than 1 times the samples, and one by
more than 1.5 times (a near-tie in a router, which sends a token to another expert).
"""
TF32_ROUNDOFF = 2.0**-11


def tolerance(model: Any, logits: Callable[[], Any], exact: Any = None) -> float:
    """Returns the largest difference that rounding explains between two ways to compute `logits()`.

    Args:
        logits: computes logits (positions x vocabulary).
        exact: the result of `logits()`, if it is known.
    """
    exact = logits() if exact is None else exact
    largest = float(exact[exact.isfinite()].abs().max()) if exact.isfinite().any() else 0.0
    measured = [0.0]
    for seed in range(SAMPLES):
        with rounding(model, seed):
            measured += [value for value in distances(exact, logits()) if value < float("inf")]
    return MARGIN * max(max(measured), unit(model) * largest)


def unit(model: Any) -> float:
    """Returns the relative rounding error of the model's dtype, or of quantized layers if no parameter is a float."""
    if model.dtype.is_floating_point:
        return roundoff(model.dtype)
    return max((layer.product_roundoff for layer in registry.layers(model).values()), default=0.0)


def roundoff(dtype: Any) -> float:
    """Returns half the distance from 1 to the next number of the dtype."""
    import torch

    return float(torch.finfo(dtype).eps) / 2


@contextmanager
def rounding(model: Any, seed: int) -> Iterator[None]:
    """Rounds the outputs of layers with parameters at random within the context."""
    import torch

    source = torch.Generator(device=model.device).manual_seed(seed)
    quantized = {id(layer.module): layer.product_roundoff for layer in registry.layers(model).values()}
    hooks = []
    for module in model.modules():
        if next(module.parameters(recurse=False), None) is not None:
            step = quantized.get(id(module)) or _unit_of(module)
            hooks.append(module.register_forward_hook(_rounder(step, source)))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _rounder(step: float, source: Any) -> Callable[..., Any]:
    import torch

    def rounded(module: Any, inputs: Any, output: Any) -> Any:
        if not isinstance(output, torch.Tensor) or not output.is_floating_point() or not output.dim():
            return output
        size = output.abs()
        if output.dtype in (torch.float32, torch.float64):
            # float32 sums in its own dtype, so an element near zero may be the sum of large ones; halves sum in float32
            size = size + output.square().mean(dim=-1, keepdim=True).sqrt()
        return output + size * max(step, roundoff(output.dtype)) * _uniform(output, source)

    return rounded


def _uniform(like: Any, source: Any) -> Any:
    """Random numbers in [-1, 1)."""
    import torch

    drawn = torch.rand(like.shape, generator=source, device=source.device, dtype=torch.float32)
    return (2 * drawn - 1).to(like.device, like.dtype)


def _unit_of(module: Any) -> float:
    """The relative rounding error inside an unquantized layer, if it is larger than that of its output."""
    import torch

    if type(module).__name__.startswith("Conv") and module.weight.is_cuda and torch.backends.cudnn.allow_tf32:
        return TF32_ROUNDOFF
    kinds = [parameter.dtype for parameter in module.parameters(recurse=False) if parameter.is_floating_point()]
    return max(map(roundoff, kinds), default=0.0)
