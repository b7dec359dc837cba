"""Rows about results that are no numbers: in half precision, for some lengths, beside padding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits import edit_weights
from selftests.gallery.registry import CHAT, CLASSIFIER, mutant

FINITE, EVERY_DTYPE = "integrity/logits-finite", "integrity/finite-in-every-dtype"
UP, DOWN = "model.layers.1.mlp.up_proj", "model.layers.1.mlp.down_proj"


@mutant(
    "I61",
    "activations beyond the range of float16, harmless in float32",
    source="huggingface/transformers#5651",
    base=CHAT,
    caught_by=EVERY_DTYPE,
    severity="hazard",
    naming=("float16", UP, "float32 works"),
)
def overflows_in_half(directory: Path) -> None:
    def change(tensors: dict[str, Any]) -> dict[str, Any]:
        tensors[f"{UP}.weight"] *= 2.0**16
        tensors[f"{DOWN}.weight"] /= 2.0**16
        return tensors

    edit_weights(directory, change)


@mutant(
    "I62",
    "weights beyond the range of float16, though the function is the same",
    source="own",
    base=CLASSIFIER,
    caught_by=EVERY_DTYPE,
    severity="hazard",
    naming=("float16", "first layer"),
)
def weights_overflow_in_half(directory: Path) -> None:
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


@mutant(
    "I63",
    "a division by the length less one: one token alone gives NaN",
    source="own",
    base=CHAT,
    caught_by=FINITE,
    naming=("one token", "model.layers.1.mlp"),
    patch=_alone,
)
def one_token(directory: Path) -> None:
    """The files stay healthy."""


def _far(model: Any) -> None:
    def broken(ids: Any, mask: Any) -> Any:
        return (ids.cumsum(1) * 0 + 1).cumsum(1) > 300

    _hook(model, broken)


@mutant(
    "I64",
    "positions beyond a length give NaN",
    source="own",
    base=CHAT,
    caught_by=FINITE,
    naming=("512 tokens", "model.layers.1.mlp"),
    patch=_far,
)
def far_positions(directory: Path) -> None:
    """The files stay healthy."""


def _padded(model: Any) -> None:
    def broken(ids: Any, mask: Any) -> Any:
        return None if mask is None else (mask == 0).any(1, keepdim=True).expand(ids.shape)

    _hook(model, broken)


@mutant(
    "I65",
    "a softmax over nothing but masked positions makes padded rows NaN",
    source="pytorch/pytorch#103749",
    base=CHAT,
    caught_by=FINITE,
    naming=("padded", "model.layers.1.mlp"),
    patch=_padded,
)
def padded_rows(directory: Path) -> None:
    """The files stay healthy."""


def _empty(model: Any) -> None:
    def broken(ids: Any, mask: Any) -> Any:
        return None if mask is None else (mask == 0).all(1, keepdim=True).expand(ids.shape)

    _hook(model, broken)


@mutant(
    "I66",
    "a row of padding alone, which an empty text in a batch is, becomes NaN",
    source="huggingface/transformers#38690",
    base=CHAT,
    caught_by=FINITE,
    severity="hazard",
    naming=("padding alone", "of padding are not finite"),
    patch=_empty,
)
def empty_text(directory: Path) -> None:
    """The files stay healthy."""
