"""Noise floor: the difference of the full model from itself when computed in another order."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from fixtures.models.loading import Loaded
from suites.findings import Refused
from suites.running import generate
from suites.scoring import dequantized

TEXTS = 3
LONGEST = 128
COPIES = 3


def noise_floor(reference: Loaded, ids: Sequence[Sequence[int]]) -> tuple[float, float, str]:
    """Returns the divergence (nats/token), the share of equal likeliest tokens, and the change.

    The change is another attention kernel if the model has one, else a larger batch of the same texts.
    """
    return reference.once("noise floor", lambda: _floor(reference.model, [each[:LONGEST] for each in ids[-TEXTS:]]))


def _floor(model: Any, texts: list[Sequence[int]]) -> tuple[float, float, str]:
    import torch

    own = str(getattr(model.config, "_attn_implementation", "") or "")
    other = "eager" if own == "sdpa" else "sdpa"
    plain = [_logits(model, text) for text in texts]
    try:
        with generate.refusals("attention"), generate.attention(model, other) if own else _nothing():
            again = [_logits(model, text) for text in texts]
        what = f"attention {own} and {other}" if own else ""
    except Refused:
        what = ""
    if not what or all(torch.equal(*pair) for pair in zip(plain, again, strict=True)):
        again, what = [_logits(model, text, rows=COPIES) for text in texts], f"batches of 1 and {COPIES}"
    one, two = torch.cat(plain), torch.cat(again)
    return max(0.0, dequantized.divergence(one, two)), float((one.argmax(-1) == two.argmax(-1)).float().mean()), what


def _nothing() -> AbstractContextManager[None]:
    return nullcontext()


def _logits(model: Any, text: Sequence[int], rows: int = 1) -> Any:
    import torch

    return generate.logits(model, {"input_ids": torch.tensor([list(text)] * rows)})[0]
