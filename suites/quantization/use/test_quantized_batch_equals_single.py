from __future__ import annotations

from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from suites.findings import Defect
from suites.quantization.running import answer, furthest, random_ids
from suites.running import rounding

ROWS = 3


@needs("reads_text")
def test_quantized_batch_equals_single(
    quantized: Loaded,
) -> None:
    """A row of a batch has the outputs that it has alone, within rounding.

    Why: kernels for one row and for many are different code, and int8 kernels look for outliers in the whole batch; the
        neighbours of a request decide its answer if these do not agree.
    Fix: try another version of the library; for int8, look at `llm_int8_threshold`.
    Source: https://arxiv.org/abs/2208.07339 (section 3.2, outliers by column of the whole input)
    """
    model = quantized.model
    inputs = random_ids(model, ROWS)
    together = answer(model, inputs)
    rows = [{name: tensor[number : number + 1] for name, tensor in inputs.items()} for number in range(ROWS)]
    apart = [furthest(answer(model, row), together[number : number + 1]) for number, row in enumerate(rows)]
    if not any(apart):
        return
    worst = max(range(ROWS), key=lambda number: apart[number])
    explained = rounding.tolerance(model, lambda: answer(model, rows[worst]).flatten(0, -2))
    if not apart[worst] <= explained:
        raise Defect(
            f"A row of a batch has other outputs than alone (by up to {apart[worst]:.2g}; rounding explains"
            f" {explained:.1g}).",
            evidence={"largest difference, by row": [each if each < float("inf") else None for each in apart],
                      "explained by rounding": explained},
        )  # fmt: skip
