"""Encoding a text without additions, and the ids that the tokenizer adds around it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fixtures.text.differences import position
from suites.findings import Unsupported


class Panic(RuntimeError):
    """The backend, written in Rust, came upon a state that it does not know."""


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
    """Ids without anything added; that a text cannot be encoded at all is told once, by `round-trip`."""
    __tracebackhide__ = True
    try:
        with panics_as_errors():
            return list(tokenizer.encode(text, add_special_tokens=False))
    except Exception as error:
        raise Unsupported(f"{text!a} cannot be encoded ({error}): see tokenizers/round-trip") from None


@dataclass(frozen=True)
class Frame:
    """The ids that the tokenizer puts around a text by itself."""

    before: list[int]
    after: list[int]


def frame(tokenizer: Any, text: str = "hello") -> Frame | None:
    """What is added before and after a text; None when the text's own ids change with it."""
    bare, whole = encode(tokenizer, text), list(tokenizer(text)["input_ids"])
    start = position(whole, bare)
    return None if start is None else Frame(whole[:start], whole[start + len(bare) :])
