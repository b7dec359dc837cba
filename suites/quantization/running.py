"""What a model gives out for a few random ids: enough to see whether two ways to the same model agree."""

from __future__ import annotations

from typing import Any

from suites.findings import Unsupported
from suites.running.agreement import distances
from suites.running.dtypes.batches import longest
from suites.running.dtypes.precision import CastModel, own_dtype
from suites.running.generate import refusals
from suites.running.limits import vocabulary

LENGTH, DECODED = 12, 4


def random_ids(model: Any, rows: int) -> dict[str, Any]:
    """`input_ids` and `attention_mask` (rows x tokens) on the model's device, and a decoder's first ids."""
    import torch

    if getattr(model, "main_input_name", "input_ids") != "input_ids":
        raise Unsupported(f"the model reads {model.main_input_name}, not text")
    source = torch.Generator().manual_seed(0)
    length = min(LENGTH, longest(model))
    ids = torch.randint(vocabulary(model), (rows, length), generator=source)
    found = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if model.config.is_encoder_decoder:
        found["decoder_input_ids"] = ids[:, :DECODED]
    return {name: tensor.to(model.device) for name, tensor in found.items()}


def answer(model: Any, inputs: dict[str, Any]) -> Any:
    """Logits, else the first output by token (rows x positions x width, or rows x labels), float32 on the CPU."""
    with refusals("A forward pass"):
        outputs = CastModel(model, own_dtype(model))(inputs)
    if not outputs:
        raise Unsupported("the model gives out no numbers to compare")
    return outputs.get("logits", next(iter(outputs.values()))).float().cpu()


def furthest(expected: Any, actual: Any) -> float:
    """The largest difference; infinite where one of the two is no number."""
    return max(distances(expected.flatten(0, -2), actual.flatten(0, -2)), default=0.0)
