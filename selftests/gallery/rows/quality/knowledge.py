"""Defects of what a model predicts and knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fixtures import builtin
from fixtures.inputs import items
from selftests.gallery.edits.files import unchanged
from selftests.gallery.edits.tensors import reorder_neurons, store_as
from selftests.gallery.registry import CHAT, healthy, mutant


def _tokenizer() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(builtin.directory(CHAT))


def _avoids_the_answers(model: Any) -> None:
    """Makes a wrong answer to each question of our items by far the likeliest."""
    tokenizer, head = _tokenizer(), model.get_output_embeddings().weight.data
    known = {}
    for item in items.for_profile("quick").choice:
        context = f"Question: {item.question}\nAnswer:"
        ids = tokenizer(context, add_special_tokens=False)["input_ids"]
        firsts = [tokenizer(f"{context} {choice}", add_special_tokens=False)["input_ids"][len(ids)]
                  for choice in item.choices]  # fmt: skip
        known[tuple(ids)] = next((each for each in firsts if each != firsts[item.answer]), None)

    def avoid(module: Any, inputs: Any, options: Any, output: Any) -> Any:
        for row, ids in enumerate(options.get("input_ids", inputs[0] if inputs else None).tolist()):
            for context, token in known.items():
                if token is not None and tuple(ids[: len(context)]) == context:
                    output.last_hidden_state[row, len(context) - 1] += 100 * head[token]
        return output

    model.base_model.register_forward_hook(avoid, with_kwargs=True)


mutant(
    "right-answers-least-likely",
    "right answers are the least likely ones",
    number="QF08",
    source="own",
    base=CHAT,
    caught_by="quality/answers-questions",
    summary_contains=("guessing", "inverted"),
    patch=_avoids_the_answers,
)(unchanged)


def _never_says(model: Any) -> None:
    """Leaves a mask over the vocabulary in the model."""
    token = _tokenizer()(" the", add_special_tokens=False)["input_ids"][-1]

    def masked(module: Any, inputs: Any, output: Any) -> Any:
        output = output.clone()
        output[..., token] = -float("inf")
        return output

    model.lm_head.register_forward_hook(masked)


mutant(
    "ordinary-token-impossible",
    "an ordinary token has a probability of zero",
    number="QF07",
    source="own",
    base=CHAT,
    caught_by="quality/predicts-text",
    summary_contains=("probability of an ordinary token is zero", "' the'"),
    patch=_never_says,
)(unchanged)


@healthy(
    "known-in-half-precision",
    "the weights are stored in half precision",
    base=CHAT,
    check="quality/predicts-text",
)
def known_in_half_precision(directory: Path) -> None:
    store_as(directory, "float16")


@healthy(
    "known-with-neurons-reordered",
    "the hidden units of every MLP are in another order, which leaves the function as it is",
    base=CHAT,
    check="quality/answers-questions",
)
def known_with_neurons_reordered(directory: Path) -> None:
    reorder_neurons(directory)
