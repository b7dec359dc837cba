"""Outputs of a model for a few random ids, to compare two ways of loading it."""

from __future__ import annotations

from typing import Any

from suites.findings import Limit, NotApplicable
from suites.running.agreement import distances
from suites.running.dtypes.batches import longest
from suites.running.dtypes.precision import CastModel, own_dtype
from suites.running.generate import refusals
from suites.running.limits import vocabulary

LENGTH, DECODED = 12, 4


def random_ids(model: Any, rows: int) -> dict[str, Any]:
    """Returns `input_ids`, `attention_mask` (rows x tokens) and a decoder's first ids, on the model's device."""
    import torch

    if getattr(model, "main_input_name", "input_ids") != "input_ids":
        raise NotApplicable(f"the model reads {model.main_input_name}, not text")
    source = torch.Generator().manual_seed(0)
    length = min(LENGTH, longest(model))
    ids = torch.randint(vocabulary(model), (rows, length), generator=source)
    found = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if model.config.is_encoder_decoder:
        found["decoder_input_ids"] = ids[:, :DECODED]
    return {name: tensor.to(model.device) for name, tensor in found.items()}


def outputs(model: Any, inputs: dict[str, Any]) -> Any:
    """Returns logits, else the first output per token or row, as float32 on the CPU."""
    with refusals("A forward pass"):
        found = CastModel(model, own_dtype(model))(inputs)
    if not found:
        raise Limit("the model has no numeric output to compare")
    return found.get("logits", next(iter(found.values()))).float().cpu()


def largest_difference(expected: Any, actual: Any) -> float:
    """Returns the largest difference; infinite if one of the two is NaN."""
    return max(distances(expected.flatten(0, -2), actual.flatten(0, -2)), default=0.0)
