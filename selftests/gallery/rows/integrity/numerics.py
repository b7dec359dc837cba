"""Defects that make logits NaN or infinite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import edit_weights, unchanged
from selftests.gallery.edits.quantized_layers import UP, answering
from selftests.gallery.edits.tensors import store_as
from selftests.gallery.registry import CHAT, CLASSIFIER, healthy, mutant

UP_PROJ = "model.layers.1.mlp.up_proj"
DOWN_PROJ = "model.layers.1.mlp.down_proj"


@mutant(
    "activations-overflow-float16",
    "activations beyond the range of float16, harmless in float32",
    number="I61",
    source="huggingface/transformers#5651",
    base=CHAT,
    caught_by="integrity/finite-in-every-dtype",
    severity="hazard",
    summary_contains=("float16", UP_PROJ, "float32 works"),
)
def activations_overflow_float16(directory: Path) -> None:
    def change(tensors: dict[str, Any]) -> dict[str, Any]:
        tensors[f"{UP_PROJ}.weight"] *= 2.0**16
        tensors[f"{DOWN_PROJ}.weight"] /= 2.0**16
        return tensors

    edit_weights(directory, change)


@mutant(
    "weights-overflow-float16",
    "weights beyond the range of float16, though the function is the same",
    number="I62",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/finite-in-every-dtype",
    severity="hazard",
    summary_contains=("float16", "first layer"),
)
def weights_overflow_float16(directory: Path) -> None:
    def change(tensors: dict[str, Any]) -> dict[str, Any]:
        for part in ("weight", "bias"):
            tensors[f"bert.encoder.layer.0.attention.self.query.{part}"] *= 2.0**18
            tensors[f"bert.encoder.layer.0.attention.self.key.{part}"] /= 2.0**18
        return tensors

    edit_weights(directory, change)


def _hook(model: Any, broken: Any) -> None:
    """NaN in the hidden states of some rows and positions, which `broken` finds from ids and mask."""
    seen: dict[str, Any] = {}
    model.register_forward_pre_hook(lambda module, args, kwargs: seen.update(kwargs), with_kwargs=True)

    def spoil(module: Any, args: Any, output: Any) -> Any:
        where = broken(seen["input_ids"], seen.get("attention_mask"))
        return output if where is None else output.masked_fill(where[..., None], float("nan"))

    model.get_submodule("model.layers.1.mlp").register_forward_hook(spoil)


def _alone(model: Any) -> None:
    def broken(ids: Any, mask: Any) -> Any:
        return ids.new_ones(ids.shape, dtype=bool) if ids.shape[1] == 1 else None

    _hook(model, broken)


mutant(
    "single-token-is-nan",
    "a division by the length less one: one token alone gives NaN",
    number="I63",
    source="own",
    base=CHAT,
    caught_by="integrity/logits-finite",
    summary_contains=("one token", "model.layers.1.mlp"),
    patch=_alone,
)(unchanged)


def _far(model: Any) -> None:
    def broken(ids: Any, mask: Any) -> Any:
        return (ids.cumsum(1) * 0 + 1).cumsum(1) > 300

    _hook(model, broken)


mutant(
    "far-positions-are-nan",
    "positions beyond a length give NaN",
    number="I64",
    source="own",
    base=CHAT,
    caught_by="integrity/logits-finite",
    summary_contains=("512 tokens", "model.layers.1.mlp"),
    patch=_far,
)(unchanged)


def _padded(model: Any) -> None:
    def broken(ids: Any, mask: Any) -> Any:
        return None if mask is None else (mask == 0).any(1, keepdim=True).expand(ids.shape)

    _hook(model, broken)


mutant(
    "padded-rows-are-nan",
    "a softmax over nothing but masked positions makes padded rows NaN",
    number="I65",
    source="pytorch/pytorch#103749",
    base=CHAT,
    caught_by="integrity/logits-finite",
    summary_contains=("padded", "model.layers.1.mlp"),
    patch=_padded,
)(unchanged)


def _empty(model: Any) -> None:
    def broken(ids: Any, mask: Any) -> Any:
        return None if mask is None else (mask == 0).all(1, keepdim=True).expand(ids.shape)

    _hook(model, broken)


mutant(
    "all-padding-row-is-nan",
    "a row of padding alone, which an empty text in a batch is, becomes NaN",
    number="I66",
    source="huggingface/transformers#38690",
    base=CHAT,
    caught_by="integrity/logits-finite",
    severity="hazard",
    summary_contains=("padding alone", "of padding are not finite"),
    patch=_empty,
)(unchanged)


def _infinite(module: Any, given: Any, output: Any) -> Any:
    """As if the products were summed up in float16 before they are scaled."""
    summed = given.float().abs().amax(dim=-1, keepdim=True) * 127 * 127 * module.in_features
    return output.masked_fill(summed > 65504, float("inf"))


mutant(
    "int8-products-overflow",
    "int8 products overflow before they are scaled",
    number="Q09",
    source="bitsandbytes-foundation/bitsandbytes#165",
    base=CHAT,
    caught_by="integrity/logits-finite",
    summary_contains=(UP, "not finite"),
    patch=answering(UP, _infinite),
    quantization="int8",
)(unchanged)


@healthy(
    "bfloat16-storage",
    "the weights are stored in bfloat16",
    base=CHAT,
    check="integrity/finite-in-every-dtype",
)
def bfloat16_storage(directory: Path) -> None:
    store_as(directory, "bfloat16")
