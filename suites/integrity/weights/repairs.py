"""Exchanges of weights that were exchanged by mistake, tried on the model in memory and undone again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from fixtures.models.weight_statistics import Stored
from suites.integrity.config_sizes import head_size
from suites.integrity.tensor_names import LAYER
from suites.integrity.weights.order import swaps

if TYPE_CHECKING:
    import torch

CANDIDATES = 3
"""Swaps that the order of the layers suggests, and that are tried."""


@dataclass(frozen=True)
class Repair:
    """Pairs of parameters that change places; a parameter paired with itself is transposed."""

    what: str
    """What was done to the checkpoint, in words that follow its name."""
    pairs: tuple[tuple[torch.nn.Parameter, torch.nn.Parameter], ...] = ()
    orders: tuple[tuple[torch.nn.Parameter, list[int]], ...] = ()
    """Parameters, and the order in which their rows are put."""

    @contextmanager
    def made(self) -> Iterator[None]:
        """The model repaired, without a copy but of rows in another order; as it was before afterwards."""
        touched = {id(each): each for pair in self.pairs for each in pair}
        touched |= {id(each): each for each, _ in self.orders}
        before = [(each, each.data) for each in touched.values()]
        try:
            self._make()
            yield
        finally:
            for each, data in before:
                each.data = data

    def _make(self) -> None:
        for one, other in self.pairs:
            if one is other:
                one.data = one.data.T
            else:
                one.data, other.data = other.data, one.data
        for one, order in self.orders:
            one.data = one.data[order]


Layers = dict[int, dict[str, Any]]
"""The parameters of each layer by what stands behind its number."""


def layers_of(model: Any) -> dict[str, Layers]:
    """The layers of each stack of a model."""
    found: dict[str, Layers] = {}
    for name, parameter in model.named_parameters():
        if (match := LAYER.match(name)) and parameter.is_floating_point():
            found.setdefault(match["stack"], {}).setdefault(int(match["number"]), {})[name[match.end() :]] = parameter
    return found


def suggested(stored: Mapping[str, Stored], model: Any) -> list[Repair]:
    """The swaps of layers after which their order is smoother."""
    stacks = layers_of(model)
    found: list[Repair | None] = []
    for swap in swaps(stored)[:CANDIDATES]:
        same = [layers for stack, layers in stacks.items() if stack.endswith(swap.stack) or swap.stack.endswith(stack)]
        found += [_swap(layers, swap.one, swap.other) for layers in same]
    return [repair for repair in found if repair]


def every(model: Any) -> Iterator[Repair]:
    """All that is known to happen, for a model that knows nothing.

    Names are exchanged, matrices turned, layers swapped, and rows of queries and keys lie in another family's order.
    """
    for layers in layers_of(model).values():
        yield from _rotary(layers, head_size(model.config.to_dict()))
        first = layers[min(layers)]
        for one, other in combinations(first, 2):
            if _kin(one, other) and first[one].shape == first[other].shape:
                yield from _renamed(layers, one, other)
        for name, parameter in first.items():
            if parameter.dim() == 2 and parameter.shape[0] == parameter.shape[1]:
                yield from _turned(layers, name)
        yield from filter(None, (_swap(layers, one, other) for one, other in combinations(sorted(layers), 2)))


def _kin(one: str, other: str) -> bool:
    """Whether one name may be taken for the other: parts of one block, or two norms."""
    ends = one.rpartition(".")[2] == other.rpartition(".")[2]
    same_block = one.split(".")[0] == other.split(".")[0]
    return ends and (same_block or bool(re.search("norm", one) and re.search("norm", other)))


def _renamed(layers: Layers, one: str, other: str) -> Iterator[Repair]:
    """In every layer, and in each of them."""
    held = {number: (each[one], each[other]) for number, each in layers.items()
            if one in each and other in each and each[one].shape == each[other].shape}  # fmt: skip
    names = " and ".join(name.removesuffix(".weight") for name in (one, other))
    if len(held) > 1:
        yield Repair(f"{names} are exchanged in every layer", tuple(held.values()))
    for number, pair in held.items():
        yield Repair(f"{names} of layer {number} are exchanged", (pair,))


def _turned(layers: Layers, name: str) -> Iterator[Repair]:
    """In every layer, and in each of them."""
    held = {number: each[name] for number, each in layers.items() if name in each}
    if len(held) > 1:
        yield Repair(f"{name} is transposed in every layer", tuple((each, each) for each in held.values()))
    for number, each in held.items():
        yield Repair(f"{name} of layer {number} is transposed", ((each, each),))


def _rotary(layers: Layers, size: int | None) -> Iterator[Repair]:
    """Rotary pairs lie side by side in some checkpoints, and half a head apart in others; queries, keys or both."""
    held = {part: [each[f"self_attn.{part}.weight"] for each in layers.values() if f"self_attn.{part}.weight" in each]
            for part in ("q_proj", "k_proj")}  # fmt: skip
    for parts in (("q_proj", "k_proj"), ("q_proj",), ("k_proj",)):
        matrices = [each for part in parts for each in held[part]]
        if not matrices or not size or size % 2 or any(len(each) % size for each in matrices):
            continue
        what = f"the rows of {' and '.join(parts)} have the order of interleaved rotary embeddings"
        yield Repair(what, orders=tuple((each, apart(len(each), size)) for each in matrices))


def apart(rows: int, size: int) -> list[int]:
    """The places of rows whose pairs lie side by side, so that they lie half a head apart."""
    return [start + each for start in range(0, rows, size) for each in (*range(0, size, 2), *range(1, size, 2))]


def _swap(layers: Layers, one: int, other: int) -> Repair | None:
    """None where the two are not of one kind."""
    if one not in layers or other not in layers:
        return None
    first, second = layers[one], layers[other]
    shapes = [{name: tuple(each.shape) for name, each in layer.items()} for layer in (first, second)]
    if shapes[0] != shapes[1]:
        return None
    return Repair(f"layers {one} and {other} are exchanged", tuple((first[name], second[name]) for name in first))
