from __future__ import annotations

from fixtures.models.loading import Loaded
from fixtures.session.uses import uses
from suites.findings import Defect
from suites.quantization.sizes import parameters


@uses("quantization")
def test_no_parameter_lost(quantized_here: Loaded, reference: Loaded) -> None:
    """The quantized model has the parameters of the full model, of the same sizes.

    Why: a layer that is missing or has another shape is initialised at random, and the model still answers.
    Fix: compare the shapes in the evidence with config.json.
    Source: https://huggingface.co/docs/transformers/quantization/bitsandbytes
    """
    full, small = parameters(reference.model), parameters(quantized_here.model)
    wrong = {name: (full.get(name), small.get(name)) for name in {**full, **small} if full.get(name) != small.get(name)}
    if wrong:
        raise _finding(wrong)


def _finding(wrong: dict[str, tuple[int | None, int | None]]) -> Defect:
    name, (before, after) = next(iter(wrong.items()))
    change = "is missing" if after is None else f"has {after:,} values instead of {before:,}" if before else "is added"
    return Defect(
        f"{name} {change} in the quantized model.",
        evidence={"full, quantized": dict(list(wrong.items())[:10]), "parameters": len(wrong)},
    )
