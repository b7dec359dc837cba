"""Defects in the bits, scales and tables of quantized weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import unchanged
from selftests.gallery.edits.quantized_layers import KEY, QUERY, UP, answering, layer
from selftests.gallery.edits.tensors import store_as
from selftests.gallery.registry import CHAT, healthy, mutant

mutant(
    "kernel-uses-other-weights",
    "a kernel multiplies with other weights than the bits encode",
    number="QA20",
    source="own",
    base=CHAT,
    caught_by="quantization/kernel-agrees-with-weights",
    summary_contains=(UP, "differs from the input times the dequantized weight"),
    patch=answering(UP, lambda module, given, output: 1.1 * output),
    quantization="nf4",
)(unchanged)


def _on_state(name: str, change: Callable[[Any], None]) -> Callable[[Any], None]:
    return lambda model: change(layer(model, name).weight.quant_state)


def _double(state: Any) -> None:
    state.absmax *= 2


mutant(
    "layer-scales-doubled",
    "the scales of one layer are doubled",
    number="QA01",
    source="own",
    base=CHAT,
    caught_by="quantization/layer-error-within-bound",
    summary_contains=(UP, "scales are wrong", "2 times"),
    patch=_on_state(UP, _double),
    quantization="fp4",
)(unchanged)


def _swap_scales(model: Any) -> None:
    first, second = (layer(model, f"layers.{number}.self_attn.q_proj").weight.quant_state for number in (0, 1))
    first.absmax, second.absmax = second.absmax.clone(), first.absmax.clone()


mutant(
    "layer-scales-exchanged",
    "two layers have each other's scales",
    number="QA03",
    source="own",
    base=CHAT,
    caught_by="quantization/layer-error-within-bound",
    summary_contains=("self_attn.q_proj", "scales are wrong", "1 more layers"),
    patch=_swap_scales,
    quantization="nf4",
)(unchanged)


def _zero(state: Any) -> None:
    state.absmax[5] = 0


mutant(
    "block-scale-zero",
    "the scale of one block is 0",
    number="QA04",
    source="own",
    base=CHAT,
    caught_by="quantization/layer-error-within-bound",
    summary_contains=(UP, "1 of ", "scales are 0"),
    patch=_on_state(UP, _zero),
    quantization="nf4",
)(unchanged)


def _swap_halves(model: Any) -> None:
    weight = layer(model, UP).weight
    weight.data = (weight.data >> 4) | (weight.data << 4)


mutant(
    "nibbles-swapped",
    "the two numbers of each byte are swapped",
    number="QA05",
    source="own",
    base=CHAT,
    caught_by="quantization/layer-error-within-bound",
    summary_contains=(UP, "numbers of each byte are swapped"),
    patch=_swap_halves,
    quantization="nf4",
)(unchanged)


def _scales_of_another(model: Any) -> None:
    first, second = (layer(model, f"layers.{number}.self_attn.q_proj").weight for number in (0, 1))
    first.SCB = second.SCB.clone()


mutant(
    "int8-scales-of-other-layer",
    "an int8 layer has another layer's scales",
    number="QA07",
    source="own",
    base=CHAT,
    caught_by="quantization/layer-error-within-bound",
    summary_contains=(QUERY, "scales are wrong"),
    patch=_scales_of_another,
    quantization="int8",
)(unchanged)


def _shift_table(state: Any) -> None:
    state.code = state.code + 0.01


mutant(
    "quantization-table-changed",
    "a library's release changes the table of numbers: other outputs from the same bits",
    number="Q08",
    source="bitsandbytes-foundation/bitsandbytes CHANGELOG (0.43)",
    base=CHAT,
    caught_by="quantization/state-is-whole",
    summary_contains=(KEY, "table of 16 numbers"),
    patch=_on_state(KEY, _shift_table),
    quantization="nf4",
)(unchanged)


def _nan(state: Any) -> None:
    state.absmax[3] = float("nan")


mutant(
    "block-scale-nan",
    "the scale of one block is NaN",
    number="QA02",
    source="own",
    base=CHAT,
    caught_by="quantization/state-is-whole",
    summary_contains=(QUERY, "block 3", "not a finite number"),
    patch=_on_state(QUERY, _nan),
    quantization="nf4",
)(unchanged)


def _forget_offset(state: Any) -> None:
    state.offset = state.offset * 0


mutant(
    "nested-scale-mean-lost",
    "the mean of doubly quantized scales is lost",
    number="QA06",
    source="own",
    base=CHAT,
    caught_by="quantization/state-is-whole",
    summary_contains=(KEY, "negative"),
    patch=_on_state(KEY, _forget_offset),
    quantization="nf4-dq",
)(unchanged)


def _negative_scale(model: Any) -> None:
    layer(model, KEY).weight.SCB[2] *= -1


mutant(
    "int8-scale-negative",
    "a scale of an int8 layer is negative",
    number="QA08",
    source="own",
    base=CHAT,
    caught_by="quantization/state-is-whole",
    summary_contains=(KEY, "row 2", "negative"),
    patch=_negative_scale,
    quantization="int8",
)(unchanged)


@healthy(
    "nf4-of-bfloat16",
    "a model that is stored in bfloat16 is quantized",
    base=CHAT,
    check="quantization/layer-error-within-bound",
    quantization="nf4",
)
def nf4_of_bfloat16(directory: Path) -> None:
    store_as(directory, "bfloat16")
