"""Defects of the rotary position embeddings in force."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import edit_json, set_keys, unchanged
from selftests.gallery.registry import CHAT, healthy, mutant


def _with_theta(theta: float) -> Any:
    def patch(model: Any) -> None:
        import torch

        table = model.model.rotary_emb.inv_freq
        steps = torch.arange(len(table), dtype=torch.float32) / len(table)
        table.copy_(theta**-steps)

    return patch


@mutant(
    "rope-default-theta-used",
    "the theta of the file is not found, and the default used",
    number="W01",
    source="deepspeedai/DeepSpeed#8345",
    base=CHAT,
    caught_by="integrity/rotary-tables",
    summary_contains=("theta 10000", "config.json says theta 500000"),
    patch=_with_theta(10000.0),
)
def rope_default_theta_used(directory: Path) -> None:
    set_keys(directory / "config.json", rope_theta=500000.0)


def _scale_after_loading(model: Any) -> None:
    model.config.rope_scaling = {"rope_type": "linear", "type": "linear", "factor": 4.0, "rope_theta": 10000.0}


mutant(
    "rope-scaling-after-loading",
    "scaling that is set after loading does nothing",
    number="W02",
    source="MakazhanAlpamys/Soup#793",
    base=CHAT,
    caught_by="integrity/rotary-tables",
    summary_contains=("linear scaling by 4", "after loading"),
    patch=_scale_after_loading,
)(unchanged)


def _round_to_bfloat16(model: Any) -> None:
    import torch

    table = model.model.rotary_emb.inv_freq
    table.copy_(table.to(torch.bfloat16))


mutant(
    "rope-frequencies-rounded",
    "the rotary frequencies were rounded to bfloat16",
    number="I15",
    source="huggingface/transformers#29285",
    base=CHAT,
    caught_by="integrity/rotary-tables",
    summary_contains=("inv_freq", "rounded to bfloat16"),
    patch=_round_to_bfloat16,
)(unchanged)


@healthy(
    "theta-in-rope-parameters",
    "config.json has the rotary settings where version 5 writes them",
    base=CHAT,
    check="integrity/rotary-tables",
    since="5.0",
)
def theta_in_rope_parameters(directory: Path) -> None:
    edit_json(directory / "config.json", lambda config: [config.pop(key) for key in ("rope_theta", "rope_scaling")])
    set_keys(directory / "config.json", rope_parameters={"rope_type": "default", "rope_theta": 10000.0})
