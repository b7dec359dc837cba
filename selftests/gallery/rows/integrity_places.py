"""Rows about weights that lie where others belong: swapped, transposed, copied."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from selftests.gallery.edits import edit_weights, set_keys
from selftests.gallery.registry import CHAT, CLASSIFIER, mutant

DEEP = 6
"""Layers of the classifier that is made deeper, so that there is an order to see."""
Tensors = dict[str, Any]


def _swapped(tensors: Tensors, one: str, other: str) -> Tensors:
    """What stands under names with `one` and with `other` changes places."""
    names = {name: name.replace(one, "\0").replace(other, one).replace("\0", other) for name in tensors}
    return {name: tensors[names[name]] for name in tensors}


def _transposed(tensors: Tensors, name: str) -> Tensors:
    return tensors | {name: tensors[name].T.contiguous()}


def _deep(directory: Path, change: Callable[[Tensors], Tensors]) -> None:
    """A classifier of six layers, each a little different from the one before, and `change` on top of it.

    As in trained models, some dimensions of the hidden state are larger than others in every layer.
    """
    import torch

    dice = torch.Generator().manual_seed(0)
    width = 64
    large = torch.exp(torch.randn(width, generator=dice))
    drift = torch.randn(DEEP, width, generator=dice).mul(0.5).cumsum(0).exp() * large

    def noise(like: Any, scale: float = 0.05) -> Any:
        return torch.randn(like.shape, generator=dice) * scale

    def grown(tensors: Tensors) -> Tensors:
        layer = "bert.encoder.layer.0."
        kept = {name: each for name, each in tensors.items() if ".layer." not in name}
        for number in range(DEEP):
            for name, each in tensors.items():
                if name.startswith(layer):
                    kept[name.replace(".0.", f".{number}.", 1)] = shaped(name, each + noise(each), number)
        return change({name: each.contiguous() for name, each in kept.items()})

    def shaped(name: str, each: Any, number: int) -> Any:
        writes = name.endswith(("output.dense.weight", "LayerNorm.weight", "LayerNorm.bias"))
        side = (-1, *[1] * (each.dim() - 1)) if writes else (1, -1)
        return each * drift[number].reshape(side) if writes or name.endswith(".weight") else each

    edit_weights(directory, grown)
    set_keys(directory / "config.json", num_hidden_layers=DEEP)


@mutant(
    "J01",
    "two layers of a language model are swapped",
    source="own",
    base=CHAT,
    caught_by="integrity/weights-in-place",
    naming=("layers 0 and 1", "exchanged"),
)
def swapped_layers(directory: Path) -> None:
    edit_weights(directory, lambda tensors: _swapped(tensors, ".layers.0.", ".layers.1."))


@mutant(
    "J02",
    "a square matrix of a language model is transposed",
    source="own",
    base=CHAT,
    caught_by="integrity/weights-in-place",
    naming=("o_proj", "layer 0", "transposed"),
)
def transposed_output(directory: Path) -> None:
    edit_weights(directory, lambda tensors: _transposed(tensors, "model.layers.0.self_attn.o_proj.weight"))


@mutant(
    "J03",
    "gate and up projections change places",
    source="own",
    base=CHAT,
    caught_by="integrity/weights-in-place",
    naming=("mlp.gate_proj and mlp.up_proj", "exchanged"),
)
def swapped_gates(directory: Path) -> None:
    edit_weights(directory, lambda tensors: _swapped(tensors, "gate_proj", "up_proj"))


@mutant(
    "J04",
    "a square matrix of an encoder is transposed",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/matrices-not-transposed",
    naming=("bert.encoder.layer.2.attention.self.query.weight", "transposed"),
)
def transposed_query(directory: Path) -> None:
    _deep(directory, lambda tensors: _transposed(tensors, "bert.encoder.layer.2.attention.self.query.weight"))


@mutant(
    "J05",
    "two layers of an encoder are swapped",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/layers-in-order",
    severity="hazard",
    naming=("Layers 2 and 3", "exchanged"),
)
def swapped_layers_of_an_encoder(directory: Path) -> None:
    _deep(directory, lambda tensors: _swapped(tensors, ".layer.2.", ".layer.3."))


@mutant(
    "J06",
    "a matrix was written under the names of two layers",
    source="own",
    base=CHAT,
    caught_by="integrity/no-copied-weights",
    naming=("model.layers.1.self_attn.q_proj.weight", "same numbers as model.layers.0.self_attn.q_proj.weight"),
)
def copied_query(directory: Path) -> None:
    name = "model.layers.{}.self_attn.q_proj.weight"
    edit_weights(directory, lambda tensors: tensors | {name.format(1): tensors[name.format(0)].clone()})


@mutant(
    "J07",
    "a whole layer is a copy of another",
    source="own",
    base=CHAT,
    caught_by="integrity/no-copied-weights",
    severity="hazard",
    naming=("copies of others", "grown by copying"),
)
def copied_layer(directory: Path) -> None:
    def change(tensors: Tensors) -> Tensors:
        return {name: tensors[name.replace(".layers.1.", ".layers.0.")].clone() for name in tensors}

    edit_weights(directory, change)


@mutant(
    "J27",
    "config.json has twice the heads, of half the size: every shape fits",
    source="own",
    base=CHAT,
    caught_by="integrity/heads-fit-weights",
    naming=("8 heads (4 for keys) of 16 dimensions", "4 heads (2 for keys) of 32 dimensions"),
)
def twice_the_heads(directory: Path) -> None:
    set_keys(directory / "config.json", num_attention_heads=8, num_key_value_heads=4, head_dim=16)
