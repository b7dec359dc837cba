from __future__ import annotations

from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from suites.findings import Defect
from suites.quantization.outputs import largest_difference, outputs, random_ids
from suites.running import rounding

ROWS = 3


@needs("reads_text")
@uses("quantization")
def test_quantized_batch_equals_single(quantized: Loaded) -> None:
    """A row of a batch has the same outputs as alone, within rounding.

    Why: kernels for one row and for many rows are different code, and int8 kernels look for outliers in the whole
        batch. If they disagree, the answer to a request depends on the other requests in its batch.
    Fix: try another version of the library; for int8 of bitsandbytes, check `llm_int8_threshold`.
    Source: https://arxiv.org/abs/2208.07339 (section 3.2, outliers by column of the whole input)
    """
    model = quantized.model
    inputs = random_ids(model, ROWS)
    together = outputs(model, inputs)
    rows = [{name: tensor[number : number + 1] for name, tensor in inputs.items()} for number in range(ROWS)]
    pairs = zip(rows, together.split(1), strict=True)
    differences = [largest_difference(outputs(model, row), in_batch) for row, in_batch in pairs]
    worst = max(range(ROWS), key=lambda number: differences[number])
    explained = 0.0
    if differences[worst]:
        explained = rounding.tolerance(model, lambda: outputs(model, rows[worst]).flatten(0, -2))
    if not differences[worst] <= explained:
        raise Defect(
            f"A row of a batch has other outputs than alone (by up to {differences[worst]:.2g}; rounding explains"
            f" {explained:.1g}).",
            evidence={
                "largest difference, by row": [each if each < float("inf") else None for each in differences],
                "explained by rounding": explained,
            },
        )
