"""Rows about quantized models in use and saved: kernels, batches, state that is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selftests.gallery.classes import as_they_are
from selftests.gallery.registry import CHAT, mutant
from selftests.gallery.rows.quantized_weights import QUERY, UP, layer

SAVING = "quantization/quantized-model-survives-saving"


def _answering(name: str, change: Callable[[Any, Any, Any], Any]) -> Callable[[Any], None]:
    """The layer's output is what `change(module, input, output)` makes of it."""

    def patch(model: Any) -> None:
        layer(model, name).register_forward_hook(lambda module, given, output: change(module, given[0], output))

    return patch


def _infinite(module: Any, given: Any, output: Any) -> Any:
    """As if the products were summed up in float16 before they are scaled."""
    summed = given.float().abs().amax(dim=-1, keepdim=True) * 127 * 127 * module.in_features
    return output.masked_fill(summed > 65504, float("inf"))


def _drawn(module: Any, given: Any, output: Any) -> Any:
    import torch

    return output * (1 + 1e-3 * torch.rand(1))


def _by_rows(module: Any, given: Any, output: Any) -> Any:
    return output * (1 + 0.8 * (given.shape[0] > 1 and given.dim() > 2))


def _saving(name: str, change: Callable[[Any, dict[str, Any], str], None]) -> Callable[[Any], None]:
    """What the layer writes into a state dict, `change(module, state, prefix)` changes."""

    def patch(model: Any) -> None:
        layer(model, name).register_state_dict_post_hook(lambda module, state, prefix, _: change(module, state, prefix))

    return patch


def _without_scales(module: Any, state: dict[str, Any], prefix: str) -> None:
    for name in [name for name in state if name.startswith(f"{prefix}weight.")]:
        del state[name]


def _canonical_nan(module: Any, state: dict[str, Any], prefix: str) -> None:
    """Packed bytes taken for bfloat16: every NaN becomes the same one."""
    import torch

    packed = state[f"{prefix}weight"]
    pairs = packed.clone().flatten().view(torch.int16)
    pairs[pairs.view(torch.bfloat16).isnan()] = 0x7FC0
    state[f"{prefix}weight"] = pairs.view(torch.uint8).view(packed.shape)


def _used_scales(module: Any, state: dict[str, Any], prefix: str) -> None:
    """A layer that has computed writes other scales."""
    if module.state.SCB is not None:
        state[f"{prefix}SCB"] = state[f"{prefix}SCB"].flip(0)


def _lying_down(module: Any, given: Any, output: Any) -> None:
    """Use leaves the packed bytes as a row, which the library takes for a transposed weight."""
    module.weight.data = module.weight.data.view(1, -1)


def _other_when_loaded_again() -> Callable[[Any], None]:
    """The first copy is healthy; what is loaded after it is not."""
    loads: list[None] = []

    def patch(model: Any) -> None:
        loads.append(None)
        if len(loads) > 1:
            layer(model, UP).weight.SCB *= 3

    return patch


def _not_saved(model: Any) -> None:
    def refuse(self: Any, *args: Any, **options: Any) -> None:
        raise NotImplementedError("no reverse of this operation")

    family = type(model)
    model.__class__ = type(family.__name__, (family,), {"save_pretrained": refuse})


mutant(
    "Q07",
    "a 4-bit layer is saved without its scales",
    source="bitsandbytes-foundation/bitsandbytes#868",
    base=CHAT,
    caught_by=SAVING,
    naming=("saved cannot be loaded and run",),
    patch=_saving(QUERY, _without_scales),
    quantization="nf4",
)(as_they_are)

mutant(
    "Q09",
    "int8 products overflow before they are scaled",
    source="bitsandbytes-foundation/bitsandbytes#165",
    base=CHAT,
    caught_by="integrity/logits-finite",
    naming=(UP, "not finite"),
    patch=_answering(UP, _infinite),
    quantization="int8",
)(as_they_are)

mutant(
    "Q10",
    "packed bytes are rewritten as if they were numbers",
    source="bitsandbytes-foundation/bitsandbytes#1945",
    base=CHAT,
    caught_by=SAVING,
    naming=("saved model", "gives other outputs"),
    patch=_saving(UP, _canonical_nan),
    quantization="nf4",
)(as_they_are)

mutant(
    "QA20",
    "a kernel multiplies with other weights than the bits stand for",
    source="own",
    base=CHAT,
    caught_by="quantization/kernel-agrees-with-weights",
    naming=(UP, "differs from the input times the dequantized weight"),
    patch=_answering(UP, lambda module, given, output: 1.1 * output),
    quantization="nf4",
)(as_they_are)

mutant(
    "QA21",
    "two passes over the same input differ",
    source="own",
    base=CHAT,
    caught_by="quantization/quantized-model-is-deterministic",
    naming="Two forward passes",
    patch=_answering(UP, _drawn),
    quantization="nf4",
)(as_they_are)

mutant(
    "QA22",
    "a row's answer depends on its neighbours in the batch",
    source="own",
    base=CHAT,
    caught_by="quantization/quantized-batch-equals-single",
    naming="row of a batch",
    patch=_answering(UP, _by_rows),
    quantization="nf4",
)(as_they_are)

mutant(
    "QA23",
    "a model that has computed is saved as another one",
    source="own",
    base=CHAT,
    caught_by="quantization/saving-after-use",
    severity="hazard",
    naming=("Saved after a forward pass", "other outputs"),
    patch=_saving(UP, _used_scales),
    quantization="int8",
)(as_they_are)

mutant(
    "QA24",
    "after a forward pass the library reads the bits in another order",
    source="own",
    base=CHAT,
    caught_by="quantization/weights-readable-after-use",
    severity="hazard",
    naming=(QUERY, "other weights"),
    patch=_answering(QUERY, _lying_down),
    quantization="nf4",
)(as_they_are)

mutant(
    "QA25",
    "loaded with device_map, the model is another one",
    source="own",
    base=CHAT,
    caught_by="quantization/device-map-auto",
    naming=("device_map", "other outputs"),
    patch=_other_when_loaded_again(),
    quantization="int8",
)(as_they_are)

mutant(
    "QA26",
    "a model that was loaded quantized cannot be saved",
    source="own",
    base=CHAT,
    caught_by="quantization/quantized-checkpoint-saves-again",
    severity="hazard",
    naming=("cannot be saved", "NotImplementedError"),
    patch=_not_saved,
    quantization="int8",
)(as_they_are)
