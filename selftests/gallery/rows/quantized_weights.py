"""Rows about quantized weights whose bits, scales or tables are wrong, put into the loaded model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selftests.gallery.classes import as_they_are
from selftests.gallery.registry import CHAT, mutant

ERROR, STATE = "quantization/layer-error-within-bound", "quantization/state-is-whole"
QUERY, KEY, UP = "layers.0.self_attn.q_proj", "layers.1.self_attn.k_proj", "layers.1.mlp.up_proj"


def layer(model: Any, name: str) -> Any:
    return model.base_model.get_submodule(name)


def _on_state(name: str, change: Callable[[Any], None]) -> Callable[[Any], None]:
    return lambda model: change(layer(model, name).weight.quant_state)


def _shift_table(state: Any) -> None:
    state.code = state.code + 0.01


def _double(state: Any) -> None:
    state.absmax *= 2


def _nan(state: Any) -> None:
    state.absmax[3] = float("nan")


def _zero(state: Any) -> None:
    state.absmax[5] = 0


def _forget_offset(state: Any) -> None:
    state.offset = state.offset * 0


def _swap_scales(model: Any) -> None:
    first, second = (layer(model, f"layers.{number}.self_attn.q_proj").weight.quant_state for number in (0, 1))
    first.absmax, second.absmax = second.absmax.clone(), first.absmax.clone()


def _swap_halves(model: Any) -> None:
    weight = layer(model, UP).weight
    weight.data = (weight.data >> 4) | (weight.data << 4)


def _scales_of_another(model: Any) -> None:
    first, second = (layer(model, f"layers.{number}.self_attn.q_proj").weight for number in (0, 1))
    first.SCB = second.SCB.clone()


def _negative_scale(model: Any) -> None:
    layer(model, KEY).weight.SCB[2] *= -1


mutant(
    "Q08",
    "a library's release changes the table of numbers: other outputs from the same bits",
    source="bitsandbytes-foundation/bitsandbytes CHANGELOG (0.43)",
    base=CHAT,
    caught_by=STATE,
    naming=(KEY, "table of 16 numbers"),
    patch=_on_state(KEY, _shift_table),
    quantization="nf4",
)(as_they_are)

mutant(
    "QA01",
    "the scales of one layer are doubled",
    source="own",
    base=CHAT,
    caught_by=ERROR,
    naming=(UP, "scales are wrong", "2 times"),
    patch=_on_state(UP, _double),
    quantization="fp4",
)(as_they_are)

mutant(
    "QA02",
    "the scale of one block is NaN",
    source="own",
    base=CHAT,
    caught_by=STATE,
    naming=(QUERY, "block 3", "no finite number"),
    patch=_on_state(QUERY, _nan),
    quantization="nf4",
)(as_they_are)

mutant(
    "QA03",
    "two layers have each other's scales",
    source="own",
    base=CHAT,
    caught_by=ERROR,
    naming=("self_attn.q_proj", "scales are wrong", "1 more layers"),
    patch=_swap_scales,
    quantization="nf4",
)(as_they_are)

mutant(
    "QA04",
    "the scale of one block is 0",
    source="own",
    base=CHAT,
    caught_by=ERROR,
    naming=(UP, "1 of ", "scales are 0"),
    patch=_on_state(UP, _zero),
    quantization="nf4",
)(as_they_are)

mutant(
    "QA05",
    "the two numbers of each byte are swapped",
    source="own",
    base=CHAT,
    caught_by=ERROR,
    naming=(UP, "numbers of each byte are swapped"),
    patch=_swap_halves,
    quantization="nf4",
)(as_they_are)

mutant(
    "QA06",
    "the mean of doubly quantized scales is lost",
    source="own",
    base=CHAT,
    caught_by=STATE,
    naming=(KEY, "negative"),
    patch=_on_state(KEY, _forget_offset),
    quantization="nf4-dq",
)(as_they_are)

mutant(
    "QA07",
    "an int8 layer has another layer's scales",
    source="own",
    base=CHAT,
    caught_by=ERROR,
    naming=(QUERY, "scales are wrong"),
    patch=_scales_of_another,
    quantization="int8",
)(as_they_are)

mutant(
    "QA08",
    "a scale of an int8 layer is negative",
    source="own",
    base=CHAT,
    caught_by=STATE,
    naming=(KEY, "row 2", "negative"),
    patch=_negative_scale,
    quantization="int8",
)(as_they_are)
