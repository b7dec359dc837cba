"""The special tokens of a tokenizer, and what it adds by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fixtures.machine import library_versions
from fixtures.subjects.subject import Subject
from fixtures.text.differences import position
from suites.findings import Unsupported


def special_tokens(tokenizer: Any) -> dict[str, Any]:
    """Every token that is flagged special, with the flags that it declares."""
    if getattr(tokenizer, "split_special_tokens", False):
        return {}
    added = tokenizer.added_tokens_decoder.values()
    named = set(tokenizer.all_special_tokens)
    return {token.content: token for token in added if token.special or token.content in named}


def control_tokens(subject: Subject, tokenizer: Any) -> dict[str, int]:
    """Special tokens that a flag, a name (`eos_token`) or a list of the files declares, with their ids.

    transformers 5 also counts the user-defined pieces of a SentencePiece file; nobody declared those.
    """
    if library_versions.of_mistral_common(tokenizer):
        return {token: tokenizer.convert_tokens_to_ids(token) for token in tokenizer.all_special_tokens}
    settings = subject.json("tokenizer_config.json")
    lists = [settings.get(name) for name in ("additional_special_tokens", "extra_special_tokens")]
    listed = {str(token) for tokens in lists if isinstance(tokens, list) for token in tokens if isinstance(token, str)}
    named = {getattr(tokenizer, f"{name}_token", None) for name in ("bos", "eos", "pad", "unk", "sep", "cls", "mask")}
    return {content: tokenizer.convert_tokens_to_ids(content) for content, token in special_tokens(tokenizer).items()
            if token.special or content in listed | named}  # fmt: skip


class Panic(RuntimeError):
    """The backend, written in Rust, came upon a state that it does not know."""


@contextmanager
def panics_told() -> Iterator[None]:
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
        with panics_told():
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
