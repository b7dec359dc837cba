"""Limits of a model: rows of its embeddings, and tokens that it has positions for."""

from __future__ import annotations

from typing import Any


def vocabulary(model: Any) -> int:
    """Ids that the model has an input embedding for."""
    return int(model.get_input_embeddings().weight.shape[0])


def positions(model: Any) -> int | None:
    """Returns the longest context of the text model, in tokens, as its config declares; None if it has no limit."""
    found = getattr(model.config.get_text_config(decoder=True), "max_position_embeddings", None)
    return found if isinstance(found, int) and found > 0 else None


def room(model: Any, taken: int, wanted: int) -> int:
    """Returns how many of `wanted` new tokens have positions after `taken` tokens; at least one."""
    limit = positions(model)
    return wanted if limit is None else max(1, min(wanted, limit - taken - 1))
