from __future__ import annotations

from fixtures.models.loading import Loaded
from suites.findings import Hazard
from suites.quantization.modules.linear import named, skip_list


def test_skip_entries_match(quantized: Loaded) -> None:
    """Every entry of the skip list that the checkpoint ships names a module of the model.

    Why: an entry that matches nothing leaves nothing alone; the layer that was meant is quantized, without a word.
    Fix: correct the names in `llm_int8_skip_modules` of config.json.
    Source: https://huggingface.co/docs/transformers/quantization/bitsandbytes (skip modules);
        https://github.com/huggingface/transformers/issues/24043
    """
    names = [name for name, _ in quantized.model.named_modules()]
    entries = skip_list(quantized.model)
    unknown = [entry for entry in entries if not any(named(name, entry) for name in names if name)]
    if unknown:
        raise Hazard(
            f"The skip list names '{unknown[0]}', and the model has no such module.",
            evidence={"match nothing": unknown, "skip list": entries},
        )
