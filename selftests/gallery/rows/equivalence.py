"""Rows about forward passes that differ by the way in: embeddings, attention implementations, dropout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.forwards import Options, before_forward
from selftests.gallery.registry import CHAT, mutant


def _scale_embeddings(body: Any, options: Options) -> None:
    if options.get("inputs_embeds") is not None:
        options["inputs_embeds"] = options["inputs_embeds"] * 2


@mutant(
    "E07",
    "embeddings that the caller gives are scaled twice",
    source="own",
    base=CHAT,
    caught_by="generation/embeddings-equal-ids",
    naming=("inputs_embeds", "input_ids"),
    patch=lambda model: before_forward(model, _scale_embeddings),
)
def embeddings_are_scaled_twice(directory: Path) -> None:
    """The files stay healthy."""


def _other_scale_in_eager(body: Any, options: Options) -> None:
    size = body.layers[0].self_attn.head_dim
    scale = size**-0.5 * (1.1 if body.config._attn_implementation == "eager" else 1)
    for layer in body.layers:
        layer.self_attn.scaling = scale


@mutant(
    "E08",
    "eager attention has another scale than the fused kernel",
    source="own",
    base=CHAT,
    caught_by="generation/attention-implementations-agree",
    naming=("eager", "sdpa"),
    patch=lambda model: before_forward(model, _other_scale_in_eager),
)
def eager_has_another_scale(directory: Path) -> None:
    """The files stay healthy."""


def _leave_dropout_on(model: Any) -> None:
    for layer in model.base_model.layers:
        layer.self_attn.attention_dropout = 0.5
        layer.self_attn.training = True


@mutant(
    "E14",
    "dropout is left on",
    source="own",
    base=CHAT,
    caught_by="generation/greedy-deterministic",
    naming=("differ", "training mode"),
    patch=_leave_dropout_on,
)
def dropout_is_left_on(directory: Path) -> None:
    """The files stay healthy."""
