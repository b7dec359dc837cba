"""Defects that make equal calls of generate() differ."""

from __future__ import annotations

from typing import Any

from selftests.gallery.edits.files import unchanged
from selftests.gallery.registry import CHAT, mutant


def _leak_state(model: Any) -> None:
    calls = iter(range(10**6))
    model.lm_head.register_forward_hook(lambda module, inputs, output: output.roll(next(calls), dims=-1))


mutant(
    "state-leaks-between-generations",
    "state leaks from one generation into the next",
    number="S30",
    source="huggingface/transformers#30670",
    base=CHAT,
    caught_by="generation/greedy-deterministic",
    summary_contains="differ",
    patch=_leak_state,
)(unchanged)


def _leave_dropout_on(model: Any) -> None:
    for layer in model.base_model.layers:
        layer.self_attn.attention_dropout = 0.5
        layer.self_attn.training = True


mutant(
    "dropout-left-on-in-generation",
    "dropout is left on",
    number="E14",
    source="own",
    base=CHAT,
    caught_by="generation/greedy-deterministic",
    summary_contains=("differ", "training mode"),
    patch=_leave_dropout_on,
)(unchanged)
