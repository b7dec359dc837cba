from __future__ import annotations

from typing import Any

from fixtures.session.needs import needs
from fixtures.session.uses import uses
from suites.findings import Hazard


@needs("continues_text")
@uses("generation", worst="hazard")
def test_padding_side_fits_generation(tokenizer: Any, subject: Any) -> None:
    """A model that continues text does not declare padding on the right.

    Why: generation continues after the padding, so all but the longest prompt of a batch are continued from a gap.
    Fix: Set "padding_side": "left" in tokenizer_config.json, or pass padding_side="left" for batched generation.
    Source: https://huggingface.co/docs/transformers/llm_tutorial#wrong-padding-side;
        https://github.com/huggingface/transformers/issues/34842
    """
    # The library's default is right, too: a file without padding_side leaves the choice to the caller.
    declared = subject.json("tokenizer_config.json").get("padding_side")
    if declared == "right" and tokenizer.padding_side == "right" and tokenizer.pad_token_id is not None:
        raise Hazard(
            "tokenizer_config.json declares padding_side right, so batched prompts are continued after their padding.",
            evidence={"padding_side": declared, "pad_token": tokenizer.pad_token},
        )
