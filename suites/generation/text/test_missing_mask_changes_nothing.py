from __future__ import annotations

from typing import Any

from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Hazard, Record
from suites.running import forced_tokens, generate
from suites.running.prompts import encoded, questions

NEW_TOKENS = 2


@uses("generation", worst="hazard")
def test_missing_mask_changes_nothing(subject: Subject, tokenizer: Any, generator: Any, record: Record) -> None:
    """`generate` without an attention mask gives the same logits for a single prompt as with a mask of ones.

    Why: without a mask the library treats every pad token of the prompt as padding. If a template writes that token, or
        every text begins with it, the model silently ignores it.
    Fix: Set `pad_token_id` in generation_config.json to a token that occurs in no prompt, and always pass the
        attention mask.
    Source: https://huggingface.co/docs/transformers/llm_tutorial (padding side, attention mask); https://github.com/huggingface/transformers/pull/24510
    """
    inputs = generate.placed(generator, encoded(subject, tokenizer, questions(subject)[0]))
    with generate.refusals("The prompt"):
        with_mask = _logits(generator, inputs)
        without = _logits(generator, {name: each for name, each in inputs.items() if name != "attention_mask"})
    shipped = generator.generation_config
    pad = tokenizer.pad_token_id
    inferred = pad is not None and pad == shipped.pad_token_id and pad not in forced_tokens.stops(generator)
    record.capability("generation.mask_inferred_from_padding", "yes" if inferred else "no")
    if not bool((with_mask.nan_to_num() == without.nan_to_num()).all()):
        ids = [int(each) for each in inputs["input_ids"][0]]
        hidden = [index for index, each in enumerate(ids) if each == shipped.pad_token_id]
        raise Hazard(
            f"Without an attention mask generate() gives other logits: {_cause(tokenizer, shipped, hidden)}.",
            evidence={
                "prompt": tokenizer.decode(ids),
                "places": hidden,
                "pad_token_id": shipped.pad_token_id,
                "largest_logit_difference": float((with_mask - without).abs().max()),
            },
        )


def _cause(tokenizer: Any, shipped: Any, hidden: list[int]) -> str:
    if not hidden:
        return "the mask that it infers differs"
    token = tokenizer.convert_ids_to_tokens(shipped.pad_token_id)
    return f"the prompt contains {token!r}, which is also pad_token_id and is therefore masked"


def _logits(model: Any, inputs: dict[str, Any]) -> Any:
    """Logits of the first new token, with the shipped pad and stop ids."""
    with forced_tokens.plain_settings(model, eos_token_id=forced_tokens.stops(model) or None):
        output = forced_tokens.generated(
            model, inputs, max_new_tokens=NEW_TOKENS, return_dict_in_generate=True, output_logits=True
        )
    return output.logits[0].float()
