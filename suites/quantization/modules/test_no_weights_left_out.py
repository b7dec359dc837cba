from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.uses import uses
from suites.findings import Hazard
from suites.quantization.sizes import parameters


@uses("quantization", worst="hazard")
def test_no_weights_left_out(quantized: Loaded) -> None:
    """No stack of weights that layers multiply with stays in full precision.

    Why: most libraries quantize `Linear` modules only. Since transformers 5 the experts of most mixtures are stacked in
        one tensor, which is no such module: nine tenths of the model stay in full precision, without a warning.
    Fix: use a quantization method that supports the model's experts, or plan with the footprint reported here.
    Source: https://github.com/huggingface/transformers/blob/main/MIGRATION_GUIDE_V5.md;
        https://huggingface.co/docs/transformers/quantization/bitsandbytes
    """
    left = stacks(quantized.model)
    if left:
        whole = sum(parameters(quantized.model).values())
        share = sum(left.values()) / whole
        raise Hazard(
            f"{share:.0%} of the parameters stay in full precision: {len(left)} stacks of weights, such as"
            f" {next(iter(left))}, are no linear layers, and the library ignores them.",
            evidence={"share": share, "parameters": whole, "stacks": dict(list(left.items())[:20])},
            about="library",
        )


def stacks(model: Any) -> dict[str, int]:
    """Sizes of parameters with three dimensions outside of convolutions: one matrix for each expert."""
    return {
        f"{name}.{own}": parameter.numel()
        for name, module in model.named_modules()
        if "Conv" not in type(module).__name__
        for own, parameter in module.named_parameters(recurse=False)
        if parameter.dim() == 3 and min(parameter.shape) > 1 and parameter.is_floating_point()
    }
