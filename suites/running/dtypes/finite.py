"""Which outputs are numbers where they must be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fixtures.models.loading import Loaded
from suites.running.dtypes.batches import Inputs, batches
from suites.running.dtypes.precision import Runs, own_dtype

if TYPE_CHECKING:
    import torch

MASKED = 0.5
"""A model may rule out tokens for good by minus infinity, though not most of them."""


@dataclass(frozen=True)
class Own:
    """How a model does in its own dtype: inputs, what is wrong with the outputs, and the logits that are ruled out."""

    inputs: dict[str, Inputs]
    wrong: dict[str, list[Trouble]]
    meant: torch.Tensor | None


def own(loaded: Loaded, tokenizer: Any, parameters: int, profile: str) -> Own:
    """Found once for each loaded model."""
    if "numerics" not in loaded.shared:
        inputs, runs = (
            batches(loaded.model, tokenizer, parameters, profile),
            Runs(loaded.model, own_dtype(loaded.model)),
        )
        wrong: dict[str, list[Trouble]] = {}
        meant = None
        for case, batch in inputs.items():
            outputs = runs(batch)
            meant = ruled_out(outputs) if meant is None else meant
            wrong[case] = list(troubles(outputs, batch["attention_mask"], meant))
        loaded.shared["numerics"] = Own(inputs, wrong, meant)
    found: Own = loaded.shared["numerics"]
    return found


@dataclass(frozen=True)
class Trouble:
    """An output that holds values that are no numbers."""

    output: str
    count: int
    of: int
    in_padding_only: bool

    def as_json(self) -> dict[str, Any]:
        return {"output": self.output, "not finite": self.count, "of": self.of}


def ruled_out(outputs: dict[str, torch.Tensor]) -> torch.Tensor | None:
    """Where logits are minus infinity for every token: that is meant."""
    logits = outputs.get("logits")
    if logits is None or logits.dim() < 2:
        return None
    always = logits.flatten(0, -2).isneginf().all(0)
    return always if 0 < float(always.float().mean()) < MASKED else None


def troubles(outputs: dict[str, torch.Tensor], mask: torch.Tensor, meant: torch.Tensor | None) -> Iterator[Trouble]:
    """Every output that is not finite; `mask` (rows x tokens) tells padding from text."""
    for name, tensor in outputs.items():
        wrong = ~tensor.isfinite()
        if name == "logits" and meant is not None and meant.shape[0] == tensor.shape[-1]:
            wrong &= ~(meant & tensor.isneginf())
        if wrong.any():
            yield Trouble(name, int(wrong.sum()), wrong.numel(), _in_padding(wrong, mask))


def _in_padding(wrong: torch.Tensor, mask: torch.Tensor) -> bool:
    """Whether only positions of padding are concerned; of outputs that are not by token, rows of padding alone."""
    if wrong.shape[:2] == mask.shape:
        return not bool((wrong.flatten(2).any(-1) if wrong.dim() > 2 else wrong).logical_and(mask.bool()).any())
    rows = wrong.flatten(1).any(-1) if wrong.dim() > 1 else wrong
    return rows.shape[0] == mask.shape[0] and not bool(rows[mask.bool().any(-1)].any())
