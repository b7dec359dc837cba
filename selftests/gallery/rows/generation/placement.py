"""Defects that depend on devices and memory."""

from __future__ import annotations

from typing import Any

from selftests.gallery.edits.files import unchanged
from selftests.gallery.registry import CHAT, mutant


def _keeping(model: Any) -> None:
    memory: list[Any] = []
    model.lm_head.register_forward_hook(lambda module, inputs, output: memory.append(output))


mutant(
    "hook-keeps-logits",
    "a hook keeps the logits of every call",
    number="D11",
    source="huggingface/transformers#47731",
    base=CHAT,
    caught_by="generation/memory-does-not-grow",
    summary_contains=("tensors", "memory grows"),
    patch=_keeping,
)(unchanged)


def _careless(model: Any) -> None:
    """Converts a weight while a device map places it."""
    native = type(model)

    class Careless(native):  # type: ignore[misc, valid-type]
        @classmethod
        def from_pretrained(cls, *args: Any, **options: Any) -> Any:
            found = native.from_pretrained(*args, **options)
            if options.get("device_map"):
                found[0].model.embed_tokens.weight.data.mul_(1.01)
            return found

    model.__class__ = Careless


mutant(
    "device-map-changes-weight",
    "a weight changes when the model is spread by a device map",
    number="D17",
    source="huggingface/transformers#46566",
    base=CHAT,
    caught_by="generation/same-logits-wherever-it-lies",
    summary_contains=("Offloaded", "on disk"),
    patch=_careless,
)(unchanged)
