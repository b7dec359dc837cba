"""Encoding a text without additions, and the ids that the tokenizer adds around it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fixtures.text.differences import position
from suites.evidence import escaped
from suites.findings import Blocked

ROUND_TRIP = "tokenizers/round-trip"
"""Reports texts that cannot be encoded."""
NO_SPACE = "tokenizers/no-space-after-special"
IDS_CHANGE = "the ids of a text change with the special tokens around it"


class Panic(RuntimeError):
    """A panic of the backend, which is written in Rust."""


@contextmanager
def panics_as_errors() -> Iterator[None]:
    """Turns a panic of the backend, which `except Exception` does not catch, into a `Panic`."""
    __tracebackhide__ = True
    try:
        yield
    except Exception:
        raise
    except BaseException as panic:
        if type(panic).__name__ != "PanicException":
            raise
        raise Panic(f"the backend panics: {panic}") from None


def encode(tokenizer: Any, text: str) -> list[int]:
    """Ids of a text without added tokens; a text that cannot be encoded is reported by `round-trip` alone."""
    __tracebackhide__ = True
    try:
        with panics_as_errors():
            return list(tokenizer.encode(text, add_special_tokens=False))
    except Exception as error:
        raise Blocked(ROUND_TRIP, cannot_encode(text, error)) from None


def cannot_encode(text: str, error: Exception) -> str:
    """Reason of a check that needs the ids of a text which the tokenizer does not encode."""
    return f"the text {escaped(text)} cannot be encoded ({type(error).__name__}: {error})"


@dataclass(frozen=True)
class Frame:
    """The ids that the tokenizer adds before and after a text."""

    before: list[int]
    after: list[int]


def frame(tokenizer: Any, text: str = "hello") -> Frame | None:
    """The ids added before and after a text; None if the text's own ids change with them."""
    bare, whole = encode(tokenizer, text), list(tokenizer(text)["input_ids"])
    start = position(whole, bare)
    return None if start is None else Frame(whole[:start], whole[start + len(bare) :])
