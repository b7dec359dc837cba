"""Defects of weights stored under another name: swapped, transposed, copied."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import edit_weights, set_keys
from selftests.gallery.edits.tensors import Tensors, swapped, transposed
from selftests.gallery.registry import CHAT, CLASSIFIER, healthy, mutant

DEEP = 6
"""Layers of the deeper classifier: enough to have an order."""


def _deep(directory: Path, change: Callable[[Tensors], Tensors]) -> None:
    """Makes a classifier of six slightly different layers, and applies `change`.

    As in trained models, some dimensions of the hidden state are larger than others in every layer.
    """
    import torch

    generator = torch.Generator().manual_seed(0)
    width = 64
    large = torch.exp(torch.randn(width, generator=generator))
    drift = torch.randn(DEEP, width, generator=generator).mul(0.5).cumsum(0).exp() * large

    def noise(like: Any, scale: float = 0.05) -> Any:
        return torch.randn(like.shape, generator=generator) * scale

    def grown(tensors: Tensors) -> Tensors:
        layer = "bert.encoder.layer.0."
        deeper = {name: each for name, each in tensors.items() if ".layer." not in name}
        for number in range(DEEP):
            for name, each in tensors.items():
                if name.startswith(layer):
                    deeper[name.replace(".0.", f".{number}.", 1)] = shaped(name, each + noise(each), number)
        return change({name: each.contiguous() for name, each in deeper.items()})

    def shaped(name: str, each: Any, number: int) -> Any:
        writes = name.endswith(("output.dense.weight", "LayerNorm.weight", "LayerNorm.bias"))
        side = (-1, *[1] * (each.dim() - 1)) if writes else (1, -1)
        return each * drift[number].reshape(side) if writes or name.endswith(".weight") else each

    edit_weights(directory, grown)
    set_keys(directory / "config.json", num_hidden_layers=DEEP)


@mutant(
    "encoder-layers-swapped",
    "two layers of an encoder are swapped",
    number="J05",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/layers-in-order",
    severity="hazard",
    summary_contains=("Layers 2 and 3", "exchanged"),
)
def encoder_layers_swapped(directory: Path) -> None:
    _deep(directory, lambda tensors: swapped(tensors, ".layer.2.", ".layer.3."))


@mutant(
    "encoder-matrix-transposed",
    "a square matrix of an encoder is transposed",
    number="J04",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/matrices-not-transposed",
    summary_contains=("bert.encoder.layer.2.attention.self.query.weight", "transposed"),
)
def encoder_matrix_transposed(directory: Path) -> None:
    _deep(directory, lambda tensors: transposed(tensors, "bert.encoder.layer.2.attention.self.query.weight"))


@mutant(
    "matrix-stored-twice",
    "a matrix was written under the names of two layers",
    number="J06",
    source="own",
    base=CHAT,
    caught_by="integrity/no-copied-weights",
    summary_contains=(
        "model.layers.1.self_attn.q_proj.weight",
        "same numbers as model.layers.0.self_attn.q_proj.weight",
    ),
)
def matrix_stored_twice(directory: Path) -> None:
    name = "model.layers.{}.self_attn.q_proj.weight"
    edit_weights(directory, lambda tensors: tensors | {name.format(1): tensors[name.format(0)].clone()})


@mutant(
    "layer-stored-twice",
    "a whole layer is a copy of another",
    number="J07",
    source="own",
    base=CHAT,
    caught_by="integrity/no-copied-weights",
    severity="hazard",
    summary_contains=("copies of others", "grown by copying"),
)
def layer_stored_twice(directory: Path) -> None:
    def change(tensors: Tensors) -> Tensors:
        return {name: tensors[name.replace(".layers.1.", ".layers.0.")].clone() for name in tensors}

    edit_weights(directory, change)


@healthy(
    "deep-encoder-in-order",
    "an encoder has layers enough to compare, each in its place",
    base=CLASSIFIER,
    check="integrity/layers-in-order",
)
def deep_encoder_in_order(directory: Path) -> None:
    _deep(directory, lambda tensors: tensors)
