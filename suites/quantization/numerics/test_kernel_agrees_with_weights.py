from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fixtures.models.loading import Loaded
from fixtures.quantization import registry
from fixtures.quantization.backend import Layer
from fixtures.session.uses import uses
from suites.evidence import finite
from suites.findings import Defect, Record
from suites.quantization.linear import require_layers

ROWS = 4
MARGIN = 3
"""Root mean square over all outputs, in units of the standard deviation that rounding explains.

That is far beyond chance, since a layer has hundreds of outputs; it covers dependent rounding within a block too.
"""
LIBRARY_MARGIN = 1e-3
"""Share by which the library's dequantized weights may differ in float32 and float16: a step of float16.

In a coarser dtype (bfloat16: 2^-7) it is that dtype's step: the scale and the product are each rounded by half of it.
"""


@dataclass(frozen=True)
class Differences:
    """Differences of a layer's product and of its dequantized weight from those that the format defines."""

    name: str
    kernel: float
    """Of products, in units of the rounding error."""
    library: float
    """Of dequantized weights: the largest difference relative to the largest weight; 0 after a reordering."""
    allowed: float = LIBRARY_MARGIN

    @property
    def wrong(self) -> bool:
        return not (self.kernel <= MARGIN and self.library <= self.allowed)


@uses("quantization")
def test_kernel_agrees_with_weights(quantized: Loaded, record: Record) -> None:
    """A quantized layer's output is its input times the dequantized weight, within the rounding of its arithmetic.

    Why: merging adapters, exporting and every figure computed from dequantized weights rely on it. Kernels are written
        for each processor, and a wrong one changes all answers a little.
    Fix: try another version of the library or another device, and report the layer's shape with both outputs.
    Source: https://huggingface.co/docs/transformers/quantization/bitsandbytes (dequantize);
        https://github.com/bitsandbytes-foundation/bitsandbytes/issues/165 (int8 products that overflow)
    """
    found = list(compared(quantized))
    require_layers(quantized.model, found)
    worst = max(found, key=lambda each: (each.wrong, each.kernel))
    largest = worst.kernel if worst.kernel < float("inf") else None
    record.capability("quantization.arithmetic", arithmetic(quantized.model), evidence={"worst, of rounding": largest})
    if worst.wrong:
        raise finding(worst, sum(each.wrong for each in found), len(found))


def compared(quantized: Loaded) -> Iterator[Differences]:
    import torch

    for name, layer in registry.layers(quantized.model).items():
        with torch.inference_mode():
            before = None if layer.reordered else library_error(layer, layer.dequantized())
            layer.module(torch.zeros(1, layer.shape[1], device=layer.module.weight.device, dtype=quantized.model.dtype))
            weight = layer.dequantized()
            allowed = max(LIBRARY_MARGIN, layer.library_precision())
            yield Differences(name, kernel_error(layer, weight, quantized.model.dtype), before or 0.0, allowed)


def kernel_error(layer: Layer, weight: Any, dtype: Any) -> float:
    """Returns the root mean square of the output's error relative to the expected one; infinite for NaN."""
    import torch

    source = torch.Generator().manual_seed(0)
    inputs = torch.randn(ROWS, layer.shape[1], generator=source).to(weight.device, dtype)
    bias = getattr(layer.module, "bias", None)
    product = inputs.float() @ weight.T
    exact = product if bias is None else product + bias.float()
    got = layer.module(inputs).float()
    expected = layer_noise(layer, inputs, weight, exact)
    return _finite(float((got - exact).square().mean().sqrt()) / max(expected, 1e-38))


def layer_noise(layer: Layer, inputs: Any, weight: Any, exact: Any) -> float:
    """Returns the standard deviation that rounding explains, over all outputs in the model's dtype."""
    import torch

    own = layer.product_error(inputs, weight).square().mean()
    rounded = (torch.finfo(inputs.dtype).eps * exact).square().mean() / 12
    return float((own + rounded).sqrt())


def library_error(layer: Layer, weight: Any) -> float:
    difference = (layer.dequantized_by_library() - weight).abs().max() / weight.abs().max().clamp(min=1e-38)
    return _finite(float(difference))


def _finite(value: float) -> float:
    return value if value == value else float("inf")


def arithmetic(model: Any) -> str:
    """Returns the dtypes of the layers' products, comma-separated."""
    return ", ".join(sorted({layer.product_dtype() for layer in registry.layers(model).values()}))


def finding(worst: Differences, wrong: int, count: int) -> Defect:
    evidence = {
        "layers": count,
        "wrong": wrong,
        "error of products, of rounding": finite(worst.kernel),
        "error of weights, of the largest": finite(worst.library),
    }
    if not worst.library <= worst.allowed:
        what = f"{worst.name}: the library dequantizes its bits to other weights than the format defines"
        return Defect(f"{what} ({wrong} of {count} layers).", evidence=evidence)
    by = f"by {worst.kernel:.0f} times what rounding explains" if worst.kernel < float("inf") else "where it is NaN"
    what = f"{worst.name}: the output differs from the input times the dequantized weight, {by}"
    return Defect(f"{what} ({wrong} of {count} layers).", evidence=evidence)
