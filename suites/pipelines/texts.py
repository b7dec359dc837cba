"""Texts that pipelines have trouble with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.inputs.sentences import SENTENCES
from fixtures.tasks.pipe import Pipe

NOT_TEXTS: dict[str, Any] = {"a number": 3, "None": None, "bytes": b"text", "a list in a list of lists": [[[["text"]]]]}
MOST = 3000
"""Words; a model that reads more is not tried at its limit."""


def leaked(pipe: Pipe, text: str) -> Iterator[str]:
    """Special tokens that are left in a text."""
    found = [token for token in pipe.tokenizer.all_special_tokens if token and token in text]
    if found:
        yield f"the special token {found[0]!r} is in the text {text!r}"


def too_long(pipe: Pipe) -> str | None:
    """A text of more tokens than the model has positions; None where it has none, or too many to try."""
    positions = getattr(pipe.model.config.get_text_config(), "max_position_embeddings", None)
    if not isinstance(positions, int) or positions > MOST:
        return None
    return " ".join([SENTENCES[0]] * (positions // 8 + 2))
