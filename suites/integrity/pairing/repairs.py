"""Repairs of weights that were swapped or transposed by mistake, applied to the model in memory and undone again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from fixtures.models.weight_statistics import TensorStatistics
from suites.integrity.config_sizes import head_size
from suites.integrity.layer_order import swaps
from suites.integrity.tensor_names import LAYER

if TYPE_CHECKING:
    import torch

CANDIDATES = 3
"""Swaps suggested by the order of the layers that are tried."""


@dataclass(frozen=True)
class Repair:
    """Pairs of parameters to swap (a parameter paired with itself is transposed), and rows to reorder."""

    fault: str
    """The fault that this repairs, as a sentence."""
    pairs: tuple[tuple[torch.nn.Parameter, torch.nn.Parameter], ...] = ()
    orders: tuple[tuple[torch.nn.Parameter, list[int]], ...] = ()
    """Parameters, each with the new order of its rows."""

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Applies the repair within the context, then restores the model; only reordered rows are copied."""
        touched = {id(each): each for pair in self.pairs for each in pair}
        touched |= {id(each): each for each, _ in self.orders}
        before = [(each, each.data) for each in touched.values()]
        try:
            self._apply()
            yield
        finally:
            for each, data in before:
                each.data = data

    def _apply(self) -> None:
        for one, other in self.pairs:
            if one is other:
                one.data = one.data.T
            else:
                one.data, other.data = other.data, one.data
        for one, order in self.orders:
            one.data = one.data[order]


Layers = dict[int, dict[str, Any]]
"""The parameters of each layer, by their name inside the layer."""


def layers_of(model: Any) -> dict[str, Layers]:
    """Returns the layers of each stack of a model."""
    found: dict[str, Layers] = {}
    for name, parameter in model.named_parameters():
        if (match := LAYER.match(name)) and parameter.is_floating_point():
            found.setdefault(match["stack"], {}).setdefault(int(match["number"]), {})[name[match.end() :]] = parameter
    return found


def suggested_repairs(stored: Mapping[str, TensorStatistics], model: Any) -> list[Repair]:
    """Returns the swaps of layers that make their order smoother."""
    stacks = layers_of(model)
    found: list[Repair | None] = []
    for swap in swaps(stored)[:CANDIDATES]:
        same = [layers for stack, layers in stacks.items() if stack.endswith(swap.stack) or swap.stack.endswith(stack)]
        found += [_swap(layers, swap.one, swap.other) for layers in same]
    return [repair for repair in found if repair]


def all_repairs(model: Any) -> Iterator[Repair]:
    """Yields repairs of all known faults, to be tried on a model that predicts text no better than chance.

    The faults: swapped names, transposed matrices, swapped layers, and query and key rows in another family's order.
    """
    for layers in layers_of(model).values():
        yield from _rotary(layers, head_size(model.config.to_dict()))
        first = layers[min(layers)]
        for one, other in combinations(first, 2):
            if _confusable(one, other) and first[one].shape == first[other].shape:
                yield from _swapped_names(layers, one, other)
        for name, parameter in first.items():
            if parameter.dim() == 2 and parameter.shape[0] == parameter.shape[1]:
                yield from _transposed(layers, name)
        yield from filter(None, (_swap(layers, one, other) for one, other in combinations(sorted(layers), 2)))


def _confusable(one: str, other: str) -> bool:
    """True if one name may be mistaken for the other: parts of one block, or two norms."""
    ends = one.rpartition(".")[2] == other.rpartition(".")[2]
    same_block = one.split(".")[0] == other.split(".")[0]
    return ends and (same_block or bool(re.search("norm", one) and re.search("norm", other)))


def _swapped_names(layers: Layers, one: str, other: str) -> Iterator[Repair]:
    """Yields repairs of two swapped names: in every layer, and in single layers."""
    pairs = {
        number: (each[one], each[other])
        for number, each in layers.items()
        if one in each and other in each and each[one].shape == each[other].shape
    }
    names = " and ".join(name.removesuffix(".weight") for name in (one, other))
    if len(pairs) > 1:
        yield Repair(f"{names} are exchanged in every layer", tuple(pairs.values()))
    for number, pair in pairs.items():
        yield Repair(f"{names} of layer {number} are exchanged", (pair,))


def _transposed(layers: Layers, name: str) -> Iterator[Repair]:
    """Yields repairs of a transposed matrix: in every layer, and in single layers."""
    matrices = {number: each[name] for number, each in layers.items() if name in each}
    if len(matrices) > 1:
        yield Repair(f"{name} is transposed in every layer", tuple((each, each) for each in matrices.values()))
    for number, each in matrices.items():
        yield Repair(f"{name} of layer {number} is transposed", ((each, each),))


def _rotary(layers: Layers, size: int | None) -> Iterator[Repair]:
    """Yields repairs of the row order of queries, keys or both.

    Some checkpoints store rotary pairs next to each other (interleaved), others half a head apart.
    """
    stored = {
        part: [each[f"self_attn.{part}.weight"] for each in layers.values() if f"self_attn.{part}.weight" in each]
        for part in ("q_proj", "k_proj")
    }
    for parts in (("q_proj", "k_proj"), ("q_proj",), ("k_proj",)):
        matrices = [each for part in parts for each in stored[part]]
        if not matrices or not size or size % 2 or any(len(each) % size for each in matrices):
            continue
        fault = f"the rows of {' and '.join(parts)} have the order of interleaved rotary embeddings"
        yield Repair(fault, orders=tuple((each, deinterleaved(len(each), size)) for each in matrices))


def deinterleaved(rows: int, size: int) -> list[int]:
    """Returns the row order that puts interleaved rotary pairs half a head apart."""
    return [start + each for start in range(0, rows, size) for each in (*range(0, size, 2), *range(1, size, 2))]


def _swap(layers: Layers, one: int, other: int) -> Repair | None:
    """Returns the repair of two swapped layers; None if their tensors differ in name or shape."""
    if one not in layers or other not in layers:
        return None
    first, second = layers[one], layers[other]
    shapes = [{name: tuple(each.shape) for name, each in layer.items()} for layer in (first, second)]
    if shapes[0] != shapes[1]:
        return None
    return Repair(f"layers {one} and {other} are exchanged", tuple((first[name], second[name]) for name in first))
