from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.quantization import registry
from fixtures.quantization.backend import Layer
from fixtures.session.uses import uses
from suites.findings import Hazard
from suites.quantization.linear import require_layers


@uses("sharing", worst="hazard")
def test_weights_readable_after_use(quantized: Loaded) -> None:
    """After a forward pass the library still dequantizes a layer to the stored weights.

    Why: users merge adapters, call `dequantize()` and export after an evaluation. If the first forward pass reorders
        the bits and the library reads them in the old order, all of these silently give another model.
    Fix: dequantize, merge or export a freshly loaded model, before its first forward pass.
    Source: https://huggingface.co/docs/transformers/quantization/bitsandbytes (dequantize);
        https://github.com/bitsandbytes-foundation/bitsandbytes/issues/2078 (the packing for CPUs is not undone)
    """
    import torch

    found = registry.layers(quantized.model)
    require_layers(quantized.model, found)
    name, layer = next(iter(found.items()))
    with torch.inference_mode():
        layer.module(torch.zeros(1, layer.shape[1], device=layer.module.weight.device, dtype=quantized.model.dtype))
        difference = relative_difference(layer)
    if not difference <= 0.01:  # bfloat16 scales explain 0.4%
        raise Hazard(
            f"After its first forward pass the library dequantizes {name} to other weights: they differ by"
            f" {difference:.0%}, so merging or exporting then gives another model.",
            evidence={"layer": name, "relative difference": difference, "order of the bits changed": layer.reordered},
            about="library",
        )


def relative_difference(layer: Layer) -> float:
    """Returns the Frobenius norm of the difference, relative to the weight's."""
    own: Any = layer.dequantized()
    return float((layer.dequantized_by_library() - own).norm() / own.norm().clamp(min=1e-38))
