from __future__ import annotations

from fixtures.models.loading import Loaded
from fixtures.session.uses import uses
from suites.findings import Hazard, NotApplicable
from suites.quantization.linear import matches, skip_list


@uses("quantization", worst="hazard")
def test_skip_entries_match(quantized: Loaded) -> None:
    """Every entry of the checkpoint's skip list names a module of the model.

    Why: an entry that matches nothing has no effect: the layer that was meant is quantized, without a warning.
    Fix: correct the names in the skip list of config.json (`llm_int8_skip_modules` in bitsandbytes).
    Source: https://huggingface.co/docs/transformers/quantization/bitsandbytes (skip modules);
        https://github.com/huggingface/transformers/issues/24043
    """
    names = [name for name, _ in quantized.model.named_modules()]
    entries = skip_list(quantized.model)
    if not entries:
        raise NotApplicable("the quantization config has no skip list")
    unknown = [entry for entry in entries if not any(matches(name, entry) for name in names if name)]
    if unknown:
        raise Hazard(
            f"The skip list names '{unknown[0]}', and the model has no such module.",
            evidence={"match nothing": unknown, "skip list": entries},
        )
