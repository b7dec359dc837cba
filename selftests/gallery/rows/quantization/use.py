"""Defects of quantized models in use: batches, casts, device maps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import unchanged
from selftests.gallery.edits.quantized_layers import QUERY, UP, answering, layer
from selftests.gallery.edits.shards import split
from selftests.gallery.registry import CHAT, healthy, mutant


def _with_methods(model: Any, **methods: Any) -> None:
    family = type(model)
    model.__class__ = type(family.__name__, (family,), methods)


def _cast_quietly(model: Any) -> None:
    import torch

    _with_methods(model, half=torch.nn.Module.half)


mutant(
    "quantized-cast-accepted",
    "a cast of the quantized model is accepted",
    number="QA16",
    source="own",
    base=CHAT,
    caught_by="quantization/casts-refused",
    summary_contains="half()",
    patch=_cast_quietly,
    quantization="nf4",
)(unchanged)


def _other_when_loaded_again() -> Callable[[Any], None]:
    """Leaves the first load healthy and changes each later one."""
    loads: list[None] = []

    def patch(model: Any) -> None:
        loads.append(None)
        if len(loads) > 1:
            layer(model, UP).weight.SCB *= 3

    return patch


mutant(
    "device-map-changes-quantized-model",
    "loaded with device_map, the model is another one",
    number="QA25",
    source="own",
    base=CHAT,
    caught_by="quantization/device-map-auto",
    summary_contains=("device_map", "other outputs"),
    patch=_other_when_loaded_again(),
    quantization="int8",
)(unchanged)


def _by_rows(module: Any, given: Any, output: Any) -> Any:
    return output * (1 + 0.8 * (given.shape[0] > 1 and given.dim() > 2))


mutant(
    "quantized-row-depends-on-batch",
    "a row's answer depends on its neighbours in the batch",
    number="QA22",
    source="own",
    base=CHAT,
    caught_by="quantization/quantized-batch-equals-single",
    summary_contains="row of a batch",
    patch=answering(UP, _by_rows),
    quantization="nf4",
)(unchanged)


def _drawn(module: Any, given: Any, output: Any) -> Any:
    import torch

    return output * (1 + 1e-3 * torch.rand(1))


mutant(
    "quantized-passes-differ",
    "two passes over the same input differ",
    number="QA21",
    source="own",
    base=CHAT,
    caught_by="quantization/quantized-model-is-deterministic",
    summary_contains="Two forward passes",
    patch=answering(UP, _drawn),
    quantization="nf4",
)(unchanged)


def _reshaped_to_a_row(module: Any, given: Any, output: Any) -> None:
    """Reshapes the packed bytes to one row, which the library reads as a transposed weight."""
    module.weight.data = module.weight.data.view(1, -1)


mutant(
    "packed-bytes-reshaped-by-use",
    "after a forward pass the library reads the bits in another order",
    number="QA24",
    source="own",
    base=CHAT,
    caught_by="quantization/weights-readable-after-use",
    severity="hazard",
    summary_contains=(QUERY, "other weights"),
    patch=answering(QUERY, _reshaped_to_a_row),
    quantization="nf4",
)(unchanged)


@healthy(
    "nested-nf4-from-shards",
    "a model in two files is quantized with nested scales",
    base=CHAT,
    check="quantization/device-map-auto",
    quantization="nf4-dq",
)
def nested_nf4_from_shards(directory: Path) -> None:
    split(directory, 2)
