"""Rows about rotary settings: in the file, and in force."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits import edit_json, set_keys
from selftests.gallery.registry import CHAT, mutant


def _with_theta(theta: float) -> Any:
    def patch(model: Any) -> None:
        import torch

        table = model.model.rotary_emb.inv_freq
        steps = torch.arange(len(table), dtype=torch.float32) / len(table)
        table.copy_(theta**-steps)

    return patch


@mutant(
    "W01",
    "the theta of the file is not found, and the default used",
    source="deepspeedai/DeepSpeed#8345",
    base=CHAT,
    caught_by="integrity/rotary-tables",
    naming=("theta 10000", "config.json says theta 500000"),
    patch=_with_theta(10000.0),
)
def default_theta(directory: Path) -> None:
    set_keys(directory / "config.json", rope_theta=500000.0)


def _scale_after_loading(model: Any) -> None:
    model.config.rope_scaling = {"rope_type": "linear", "type": "linear", "factor": 4.0, "rope_theta": 10000.0}


@mutant(
    "W02",
    "scaling that is set after loading does nothing",
    source="MakazhanAlpamys/Soup#793",
    base=CHAT,
    caught_by="integrity/rotary-tables",
    naming=("linear scaling by 4", "after loading"),
    patch=_scale_after_loading,
)
def scaled_after_loading(directory: Path) -> None:
    """The files stay healthy."""


def _round_to_bfloat16(model: Any) -> None:
    import torch

    table = model.model.rotary_emb.inv_freq
    table.copy_(table.to(torch.bfloat16))


@mutant(
    "I15",
    "the rotary frequencies were rounded to bfloat16",
    source="huggingface/transformers#29285",
    base=CHAT,
    caught_by="integrity/rotary-tables",
    naming=("inv_freq", "rounded to bfloat16"),
    patch=_round_to_bfloat16,
)
def rounded_frequencies(directory: Path) -> None:
    """The files stay healthy."""


@mutant(
    "I16",
    "a misspelled key of rotary scaling is ignored",
    source="own",
    base=CHAT,
    caught_by="integrity/config-keys-known",
    naming=("orignal_max_position_embeddings", "original_max_position_embeddings is meant"),
)
def misspelled_scaling(directory: Path) -> None:
    scaling = {"rope_type": "yarn", "factor": 4.0, "orignal_max_position_embeddings": 512}
    set_keys(directory / "config.json", rope_scaling=scaling)


@mutant(
    "I17",
    "rope_theta is misspelled",
    source="own",
    base=CHAT,
    caught_by="integrity/config-keys-known",
    naming=("rope_tehta (500000.0)", "rope_theta is meant"),
)
def misspelled_theta(directory: Path) -> None:
    def change(config: dict[str, Any]) -> None:
        del config["rope_theta"]
        config["rope_tehta"] = 500000.0

    edit_json(directory / "config.json", change)


@mutant(
    "I18",
    "rotary scaling without a type",
    source="own",
    base=CHAT,
    caught_by="integrity/config-keys-known",
    naming=("factor = 4.0", "rope_type", "nothing is scaled"),
)
def scaling_without_type(directory: Path) -> None:
    set_keys(directory / "config.json", rope_scaling={"rope_type": "default", "factor": 4.0})
