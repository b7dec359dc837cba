"""Defects of quantized models that are saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selftests.gallery.edits.files import unchanged
from selftests.gallery.edits.quantized_layers import QUERY, UP, layer
from selftests.gallery.registry import CHAT, mutant


def _not_saved(model: Any) -> None:
    def refuse(self: Any, *args: Any, **options: Any) -> None:
        raise NotImplementedError("no reverse of this operation")

    family = type(model)
    model.__class__ = type(family.__name__, (family,), {"save_pretrained": refuse})


mutant(
    "stored-quantized-cannot-be-saved",
    "a model that was loaded quantized cannot be saved",
    number="QA26",
    source="own",
    base=CHAT,
    caught_by="quantization/quantized-checkpoint-saves-again",
    severity="hazard",
    summary_contains=("cannot be saved", "NotImplementedError"),
    patch=_not_saved,
    quantization="int8",
)(unchanged)


def _saving(name: str, change: Callable[[Any, dict[str, Any], str], None]) -> Callable[[Any], None]:
    """Applies `change(module, state, prefix)` to the state dict of a layer."""

    def patch(model: Any) -> None:
        layer(model, name).register_state_dict_post_hook(lambda module, state, prefix, _: change(module, state, prefix))

    return patch


def _without_scales(module: Any, state: dict[str, Any], prefix: str) -> None:
    for name in [name for name in state if name.startswith(f"{prefix}weight.")]:
        del state[name]


mutant(
    "4bit-saved-without-scales",
    "a 4-bit layer is saved without its scales",
    number="Q07",
    source="bitsandbytes-foundation/bitsandbytes#868",
    base=CHAT,
    caught_by="quantization/quantized-model-survives-saving",
    summary_contains=("saved cannot be loaded and run",),
    patch=_saving(QUERY, _without_scales),
    quantization="nf4",
)(unchanged)


def _canonical_nan(module: Any, state: dict[str, Any], prefix: str) -> None:
    """Reads packed bytes as bfloat16, which makes every NaN the same."""
    import torch

    packed = state[f"{prefix}weight"]
    pairs = packed.clone().flatten().view(torch.int16)
    pairs[pairs.view(torch.bfloat16).isnan()] = 0x7FC0
    state[f"{prefix}weight"] = pairs.view(torch.uint8).view(packed.shape)


mutant(
    "packed-bytes-rewritten",
    "packed bytes are rewritten as if they were numbers",
    number="Q10",
    source="bitsandbytes-foundation/bitsandbytes#1945",
    base=CHAT,
    caught_by="quantization/quantized-model-survives-saving",
    summary_contains=("saved model", "gives other outputs"),
    patch=_saving(UP, _canonical_nan),
    quantization="nf4",
)(unchanged)


def _used_scales(module: Any, state: dict[str, Any], prefix: str) -> None:
    """Writes other scales once the layer has computed."""
    if module.state.SCB is not None:
        state[f"{prefix}SCB"] = state[f"{prefix}SCB"].flip(0)


mutant(
    "saved-differently-after-use",
    "a model that has computed is saved as another one",
    number="QA23",
    source="own",
    base=CHAT,
    caught_by="quantization/saving-after-use",
    severity="hazard",
    summary_contains=("Saved after a forward pass", "other outputs"),
    patch=_saving(UP, _used_scales),
    quantization="int8",
)(unchanged)
