from __future__ import annotations

from typing import Any

from fixtures.session.uses import uses
from suites.findings import Hazard, NotApplicable


@uses("training", worst="hazard")
def test_padding_distinct_from_eos(tokenizer: Any) -> None:
    """The padding token is not the end-of-sequence token.

    Why: collators mask padding in the labels; if it is also the EOS, a fine-tuned model does not learn to stop.
    Fix: Declare another pad_token in tokenizer_config.json, or mask labels by attention_mask when fine-tuning.
    Source: https://github.com/huggingface/trl/issues/6357
    """
    pad, eos = tokenizer.pad_token_id, tokenizer.eos_token_id
    if pad is None or eos is None:
        raise NotApplicable("the tokenizer has no padding token, or no end-of-sequence token")
    if pad == eos:
        raise Hazard(
            f"{tokenizer.pad_token} is both the padding and the end-of-sequence token (id {pad}): "
            "fine-tuning that masks padding in the labels also masks the end of the text.",
            evidence={"pad_token": tokenizer.pad_token, "eos_token": tokenizer.eos_token, "id": pad},
        )
