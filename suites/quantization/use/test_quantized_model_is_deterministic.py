from __future__ import annotations

from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from suites.findings import Defect
from suites.quantization.outputs import largest_difference, outputs, random_ids


@needs("reads_text")
@uses("quantization")
def test_quantized_model_is_deterministic(quantized: Loaded) -> None:
    """Two forward passes over the same ids give the same outputs, bit for bit.

    Why: caching, evaluation and debugging rely on it; kernels that quantize their inputs may keep state between calls.
    Fix: try another version of the library or another device.
    Source: https://docs.pytorch.org/docs/stable/notes/randomness.html
    """
    inputs = random_ids(quantized.model, 1)
    outputs(quantized.model, inputs)  # the first pass may reorder weights
    difference = largest_difference(outputs(quantized.model, inputs), outputs(quantized.model, inputs))
    if difference:
        raise Defect(
            f"Two forward passes over the same ids differ (by up to {difference:.2g}).",
            evidence={"largest difference": difference if difference < float("inf") else None},
        )
