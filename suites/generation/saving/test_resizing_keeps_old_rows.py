from __future__ import annotations

import copy
from typing import Any

from fixtures.session.needs import needs
from fixtures.session.uses import uses
from suites.findings import Hazard
from suites.generation.saving import sharing
from suites.running import copies, generate

NEW_ROWS = 3
ROWS_AT_ONCE = 10_000
"""Rows of a matrix that are compared at once, to save memory."""


@needs("full_weights")
@uses("training", worst="hazard")
def test_resizing_keeps_old_rows(tokenizer: Any, generator: Any, profile: str, memory_left: int) -> None:
    """`resize_token_embeddings` does not change the embeddings, head rows and logits of old tokens.

    Why: fine-tuning with added tokens begins with this call. If it initialises the head again, training is lost, and
        only a high loss shows it.
    Fix: Do not initialise weights after the call; compare rows of the head before and after.
    Source: https://huggingface.co/docs/transformers/main_classes/model (resize_token_embeddings); https://github.com/huggingface/transformers/issues/45079
    """
    inputs = copies.prompt(generator, tokenizer)
    with copies.scratch(generator, profile, memory_left, disk=False):
        grown = _copy_of_embeddings(generator)
        with generate.refusals("resize_token_embeddings"):
            grown.resize_token_embeddings(grown.get_input_embeddings().weight.shape[0] + NEW_ROWS, mean_resizing=False)
        _must_be_unchanged(generator, grown, inputs)


def _copy_of_embeddings(model: Any) -> Any:
    """Returns a copy that shares all weights but embeddings and head, since a whole one takes twice the memory."""
    modules = (model.get_input_embeddings(), model.get_output_embeddings())
    own = {id(weight) for module in modules if module is not None for weight in module.parameters()}
    shared = {id(weight): weight for weight in model.parameters() if id(weight) not in own}
    return copy.deepcopy(model, shared)


def _must_be_unchanged(model: Any, grown: Any, inputs: dict[str, Any]) -> None:
    __tracebackhide__ = True
    parts = {"the input embeddings": "get_input_embeddings", "the output head": "get_output_embeddings"}
    for what, getter in parts.items():
        changed = _changed(getattr(model, getter)(), getattr(grown, getter)())
        if changed:
            raise Hazard(
                f"Resizing the vocabulary changes {changed} old rows of {what}: {_cause(grown)}.",
                evidence={
                    "rows": changed,
                    "class": type(model).__name__,
                    "tie_word_embeddings": getattr(grown.config, "tie_word_embeddings", None),
                },
            )
    if sharing.is_tied(model) and not sharing.is_tied(grown):
        raise Hazard("Resizing the vocabulary unties the output head from the embeddings.")
    before, after = (copies.logits(each, inputs) for each in (model, grown))
    if before.shape[-1] > after.shape[-1]:  # the head was wider than the vocabulary and is cut to it
        return
    if apart := copies.distance(model, inputs, after[:, : before.shape[-1]]):
        raise Hazard(
            f"Resizing the vocabulary changes the logits of old tokens by up to {apart:.3g}, "
            "although all rows are unchanged."
        )


def _cause(grown: Any) -> str:
    if sharing.is_tied(grown):
        return "the library tied the head to the embeddings, although the checkpoint has a separate head"
    return "the library initialised them again"


def _changed(old: Any, new: Any) -> int:
    """Returns the number of rows whose values changed."""
    if old is None or new is None or getattr(old, "weight", None) is None:
        return 0
    rows = min(old.weight.shape[0], new.weight.shape[0])
    pairs = zip(old.weight[:rows].split(ROWS_AT_ONCE), new.weight[:rows].split(ROWS_AT_ONCE), strict=True)
    return sum(int((after.nan_to_num() != before.nan_to_num()).any(dim=-1).sum()) for before, after in pairs)
