from __future__ import annotations

from typing import Any

from fixtures.session.needs import needs
from suites.findings import Hazard


@needs("continues_text")
def test_padding_side_fits_generation(
    tokenizer: Any,
    subject: Any,
) -> None:
    """A model that continues texts does not declare that batches are padded on the right.

    Why: generation goes on after the padding, so every row of a batch but the longest is continued from a gap.
    Fix: Set "padding_side": "left" in tokenizer_config.json, or pass padding_side="left" when batches are generated.
    Source: https://huggingface.co/docs/transformers/llm_tutorial#wrong-padding-side;
        https://github.com/huggingface/transformers/issues/34842
    """
    # The library's default is right as well: a file that says nothing leaves the choice to the caller.
    declared = subject.json("tokenizer_config.json").get("padding_side")
    if declared == "right" and tokenizer.padding_side == "right" and tokenizer.pad_token_id is not None:
        raise Hazard(
            "tokenizer_config.json declares padding_side right: batched prompts are continued after their padding.",
            evidence={"padding_side": declared, "pad_token": tokenizer.pad_token},
        )
