"""Sizes that a config declares, under the names of all families."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads", "encoder_attention_heads")
KEY_VALUE_HEADS = ("num_key_value_heads", "num_kv_heads")
HIDDEN = ("hidden_size", "n_embd", "d_model", "dim")
LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
INNER = ("intermediate_size", "n_inner", "ffn_dim", "d_ff", "hidden_dim")
POSITIONS = ("max_position_embeddings", "n_positions")
VOCABULARY = ("vocab_size",)
LATENT = "kv_lora_rank"
"""Key of multi-head latent attention, whose keys and values have other sizes."""


def number(config: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[str, int] | None:
    """Returns the first of the keys that the config has, with its value."""
    found = ((key, config[key]) for key in keys if isinstance(config.get(key), int) and config[key] > 0)
    return next(found, None)


def head_size(config: Mapping[str, Any]) -> int | None:
    """Returns the dimensions of an attention head; None if the config does not declare them."""
    if config.get(LATENT):
        return None
    declared = number(config, ("head_dim", "d_kv"))
    if declared:
        return declared[1]
    hidden, heads = number(config, HIDDEN), number(config, HEADS)
    return hidden[1] // heads[1] if hidden and heads and not hidden[1] % heads[1] else None
