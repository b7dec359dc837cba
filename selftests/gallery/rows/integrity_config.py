"""Rows about config.json and generation_config.json: sizes, ids, internal keys, defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits import set_keys
from selftests.gallery.registry import CHAT, CLASSIFIER, mutant

WINDOW = "tiny-alternating-window"


@mutant(
    "I19",
    "the number of key and value heads is wrong",
    source="own",
    base=CHAT,
    caught_by="integrity/config-fits-weights",
    naming=("num_key_value_heads = 4", "the weights have 2"),
)
def wrong_heads(directory: Path) -> None:
    set_keys(directory / "config.json", num_key_value_heads=4)


@mutant(
    "I20",
    "fewer layers are declared than stored",
    source="own",
    base=CHAT,
    caught_by="integrity/config-fits-weights",
    naming=("num_hidden_layers = 1", "2 layers"),
)
def fewer_layers(directory: Path) -> None:
    set_keys(directory / "config.json", num_hidden_layers=1)


@mutant(
    "I21",
    "more layers are declared than stored",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/config-fits-weights",
    naming=("num_hidden_layers = 3", "2 layers"),
)
def more_layers(directory: Path) -> None:
    set_keys(directory / "config.json", num_hidden_layers=3)


def _see_everything(model: Any) -> None:
    for layer in model.model.layers:
        layer.self_attn.sliding_window = None


@mutant(
    "I22",
    "layers with a sliding window see everything",
    source="own",
    base=WINDOW,
    caught_by="integrity/sliding-window-layers",
    naming=("Layer 0", "sees everything"),
    patch=_see_everything,
)
def window_not_in_force(directory: Path) -> None:
    """The files stay healthy."""


def _no_layer_types(model: Any) -> None:
    model.config.layer_types = []


@mutant(
    "G08",
    "num_kv_shared_layers of 0 leaves the cache without layers",
    source="unslothai/unsloth-zoo#580",
    base=CHAT,
    caught_by="integrity/cache-has-every-layer",
    naming=("0 layers", "num_kv_shared_layers"),
    patch=_no_layer_types,
)
def no_shared_layers(directory: Path) -> None:
    """`layer_types[:-0]` is empty in 4.57; the patch does the same where the library no longer does."""
    set_keys(directory / "config.json", num_kv_shared_layers=0)


@mutant(
    "I23",
    "an internal key names a kernel repository",
    source="CVE-2026-4372",
    base=CLASSIFIER,
    caught_by="integrity/config-keys-known",
    naming=("_attn_implementation_internal", "repository with code"),
)
def internal_key_with_code(directory: Path) -> None:
    set_keys(directory / "config.json", _attn_implementation_internal="nobody/attention-kernel")


@mutant(
    "I24",
    "an internal key picks the attention",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/config-keys-known",
    severity="hazard",
    naming="_attn_implementation_internal",
)
def internal_key(directory: Path) -> None:
    set_keys(directory / "config.json", _attn_implementation_internal="eager")


@mutant(
    "I25",
    "the stop id lies beyond the vocabulary",
    source="own",
    base=CHAT,
    caught_by="integrity/special-ids-in-range",
    naming=("generation_config.json: eos_token_id is 128009", "1024 rows"),
)
def stop_beyond_the_vocabulary(directory: Path) -> None:
    set_keys(directory / "generation_config.json", eos_token_id=[128009, 2])


@mutant(
    "I26",
    "config.json pads with another token than the tokenizer",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/special-ids-agree",
    severity="hazard",
    naming=("pad_token_id", "in config.json", "in the tokenizer"),
)
def other_padding(directory: Path) -> None:
    set_keys(directory / "config.json", pad_token_id=4)


@mutant(
    "I27",
    "the tokenizer's eos is not among the stop ids",
    source="own",
    base=CHAT,
    caught_by="integrity/special-ids-agree",
    severity="hazard",
    naming=("eos_token", "(id 0)", "generation stops at"),
)
def other_stop(directory: Path) -> None:
    set_keys(directory / "generation_config.json", eos_token_id=0)


@mutant(
    "I28",
    "a repetition penalty is shipped and shifts greedy evaluation",
    source="own",
    base=CHAT,
    caught_by="integrity/generation-defaults",
    severity="hazard",
    naming="repetition_penalty 1.3",
)
def shipped_penalty(directory: Path) -> None:
    set_keys(directory / "generation_config.json", repetition_penalty=1.3)


@mutant(
    "W14",
    "another activation function than the family's",
    source="unsloth.ai/blog/gemma-bugs",
    base=CHAT,
    caught_by="integrity/settings-of-the-family",
    severity="hazard",
    naming=("hidden_act to gelu", "silu"),
)
def other_activation(directory: Path) -> None:
    set_keys(directory / "config.json", hidden_act="gelu")
