"""Outputs with values that are NaN or infinite."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fixtures.models.loading import Loaded
from suites.running.dtypes.batches import Inputs, batches
from suites.running.dtypes.precision import CastModel, own_dtype

if TYPE_CHECKING:
    import torch

MAX_RULED_OUT = 0.5
"""Share of tokens that a model may rule out on purpose by logits of minus infinity."""


@dataclass(frozen=True)
class OwnResults:
    """Results of a model in its own dtype."""

    inputs: dict[str, Inputs]
    not_finite: dict[str, list[NotFinite]]
    """By input, the outputs that are not finite."""
    ruled_out: torch.Tensor | None
    """Logits that are minus infinity on purpose."""


def own_results(loaded: Loaded, tokenizer: Any, parameters: int, profile: str) -> OwnResults:
    """Runs the model on every input, once for each loaded model."""
    return loaded.once("numerics", lambda: _own_results(loaded.model, tokenizer, parameters, profile))


def _own_results(model: Any, tokenizer: Any, parameters: int, profile: str) -> OwnResults:
    inputs, run = batches(model, tokenizer, parameters, profile), CastModel(model, own_dtype(model))
    found: dict[str, list[NotFinite]] = {}
    on_purpose = None
    for name, batch in inputs.items():
        outputs = run(batch)
        on_purpose = ruled_out(outputs) if on_purpose is None else on_purpose
        found[name] = list(not_finite(outputs, batch["attention_mask"], on_purpose))
    return OwnResults(inputs, found, on_purpose)


@dataclass(frozen=True)
class NotFinite:
    """An output with values that are NaN or infinite."""

    output: str
    count: int
    of: int
    in_padding_only: bool

    def as_json(self) -> dict[str, Any]:
        return {"output": self.output, "not finite": self.count, "of": self.of}


def ruled_out(outputs: dict[str, torch.Tensor]) -> torch.Tensor | None:
    """Returns a mask of the logits that are minus infinity at every position (on purpose); None if there are none."""
    logits = outputs.get("logits")
    if logits is None or logits.dim() < 2:
        return None
    always = logits.flatten(0, -2).isneginf().all(0)
    return always if 0 < float(always.float().mean()) < MAX_RULED_OUT else None


def not_finite(
    outputs: dict[str, torch.Tensor], mask: torch.Tensor, on_purpose: torch.Tensor | None
) -> Iterator[NotFinite]:
    """Yields every output that is not finite; `mask` (rows x tokens) is 0 for padding."""
    for name, tensor in outputs.items():
        wrong = ~tensor.isfinite()
        if name == "logits" and on_purpose is not None and on_purpose.shape[0] == tensor.shape[-1]:
            wrong &= ~(on_purpose & tensor.isneginf())
        if wrong.any():
            yield NotFinite(name, int(wrong.sum()), wrong.numel(), _in_padding(wrong, mask))


def _in_padding(wrong: torch.Tensor, mask: torch.Tensor) -> bool:
    """True if only padding is affected; for outputs that are not per token, only rows of padding."""
    if wrong.shape[:2] == mask.shape:
        return not bool((wrong.flatten(2).any(-1) if wrong.dim() > 2 else wrong).logical_and(mask.bool()).any())
    rows = wrong.flatten(1).any(-1) if wrong.dim() > 1 else wrong
    return rows.shape[0] == mask.shape[0] and not bool(rows[mask.bool().any(-1)].any())
