from __future__ import annotations

import copy
from typing import Any

from fixtures.models.loading import drop_storage
from fixtures.session.needs import needs
from fixtures.subjects.variant import Variant
from suites.findings import Hazard
from suites.generation.saving import sharing
from suites.running import copies, generate

NEW_ROWS = 3


@needs("full_weights")
def test_resizing_keeps_old_rows(
    variant: Variant, tokenizer: Any, generator: Any, profile: str, memory_left: int
) -> None:
    """After `resize_token_embeddings` the old tokens have the rows, and the logits, that they had.

    Why: fine-tuning with added tokens begins with this call; a head that is made anew forgets what was trained, and
        the loss only looks high.
    Fix: Call it on the loaded model and nothing after it that initialises weights; compare rows of the head before
        and after.
    Source: https://huggingface.co/docs/transformers/main_classes/model (resize_token_embeddings); https://github.com/huggingface/transformers/issues/45079
    """
    copies.refuse_quantized(variant)
    inputs = copies.prompt(generator, tokenizer)
    with copies.scratch(generator, profile, memory_left, disk=False):
        grown = copy.deepcopy(generator)
        try:
            with generate.refusals("resize_token_embeddings"):
                grown.resize_token_embeddings(
                    grown.get_input_embeddings().weight.shape[0] + NEW_ROWS, mean_resizing=False
                )
            _must_keep(generator, grown, inputs)
        finally:
            drop_storage(grown)


def _must_keep(model: Any, grown: Any, inputs: dict[str, Any]) -> None:
    __tracebackhide__ = True
    parts = {"the input embeddings": "get_input_embeddings", "the output head": "get_output_embeddings"}
    for what, getter in parts.items():
        changed = _changed(getattr(model, getter)(), getattr(grown, getter)())
        if changed:
            raise Hazard(
                f"Resizing the vocabulary changes {changed} old rows of {what}: {_how(grown)}.",
                evidence={"rows": changed, "class": type(model).__name__,
                          "tie_word_embeddings": getattr(grown.config, "tie_word_embeddings", None)},
            )  # fmt: skip
    if sharing.is_tied(model) and not sharing.is_tied(grown):
        raise Hazard("Resizing the vocabulary unties the output head from the embeddings.")
    before, after = (copies.logits(each, inputs) for each in (model, grown))
    if before.shape[-1] > after.shape[-1]:  # a head that was wider than the vocabulary is cut to it
        return
    if apart := copies.distance(model, inputs, after[:, : before.shape[-1]]):
        raise Hazard(f"Resizing the vocabulary moves the logits of old tokens, by up to {apart:.3g}, "
                     "although all rows are kept.")  # fmt: skip


def _how(grown: Any) -> str:
    if sharing.is_tied(grown):
        return "the library tied the head to the embeddings, although the checkpoint has a head of its own"
    return "it was initialised anew"


def _changed(old: Any, new: Any) -> int:
    """Rows with other values."""
    if old is None or new is None or getattr(old, "weight", None) is None:
        return 0
    rows = min(old.weight.shape[0], new.weight.shape[0])
    before, after = old.weight[:rows].nan_to_num(), new.weight[:rows].nan_to_num()
    return int((after != before).any(dim=-1).sum())
