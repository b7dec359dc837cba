"""Invalid and long text inputs, and special tokens in answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.inputs.sentences import SENTENCES
from fixtures.pipelines.pipe import Pipe

NOT_TEXTS: dict[str, Any] = {"a number": 3, "None": None, "bytes": b"text", "a list in a list of lists": [[[["text"]]]]}


def leaked_special_tokens(pipe: Pipe, text: str) -> Iterator[str]:
    """Yields a problem if a special token is left in a text."""
    found = [token for token in pipe.tokenizer.all_special_tokens if token and token in text]
    if found:
        yield f"the special token {found[0]!r} is in the text {text!r}"


def long_text(positions: int) -> str:
    """Returns a text of more tokens than the given number of positions."""
    return " ".join([SENTENCES[0]] * (positions // 8 + 2))
