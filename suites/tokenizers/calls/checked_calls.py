"""Calling a tokenizer, with what it raises told as a finding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fixtures.machine import library_versions
from suites.evidence import escaped
from suites.findings import Defect, Record, Unsupported
from suites.tokenizers.encoding import panics_as_errors

SAMPLE_TEXTS = ("a", "The quick brown fox jumps over the lazy dog.", "one two three", "x != y; é, 你好 👍🏽 don't")
"""Texts of different lengths, for calls whose form matters more than their text."""
CALL_OPTIONS = {"return_attention_mask": True, "return_special_tokens_mask": True, "verbose": False}


def call_or_skip(tokenizer: Any, text: str, pair: str | None = None, **options: Any) -> dict[str, Any]:
    """What a call with one text, or a pair, gives; that a text cannot be encoded at all is told by `round-trip`."""
    __tracebackhide__ = True
    try:
        with panics_as_errors():
            return dict(tokenizer(text, pair, **CALL_OPTIONS, **options))
    except Exception as error:
        shown = f"{type(error).__name__}: {error}"
        raise Unsupported(f"{escaped(text)} cannot be encoded ({shown}): see tokenizers/round-trip") from None


def call_or_defect(tokenizer: Any, text: Any, pair: Any = None, **options: Any) -> Any:
    """What a call gives of which each text is encoded without complaint; that this call raises is a defect."""
    __tracebackhide__ = True
    try:
        with panics_as_errors():
            return tokenizer(text, pair, **(CALL_OPTIONS | options))
    except Exception as error:
        how = ", ".join(f"{name}={value!r}" for name, value in options.items())
        raise Defect(
            f"A call with {how or 'several texts'} raises {type(error).__name__}: {str(error)[:200]}",
            evidence={"texts": escaped(str(text), limit=400), "pairs": escaped(str(pair), limit=400), "options": how},
        ) from None


def takes_pairs(tokenizer: Any) -> bool:
    """Whether two texts may be given: mistral-common's tokenizer refuses them, as its documentation says."""
    return not library_versions.of_mistral_common(tokenizer)


def no_pairs(texts: Sequence[str]) -> list[None]:
    """No second text for each of these."""
    return [None] * len(texts)


@contextmanager
def truncation_side(tokenizer: Any, side: str) -> Iterator[None]:
    """The side from which calls truncate, for a while: it is an attribute, not an option of the call."""
    before = tokenizer.truncation_side
    tokenizer.truncation_side = side
    try:
        yield
    finally:
        tokenizer.truncation_side = before


def is_fast(tokenizer: Any, record: Record, what: str) -> bool:
    """Whether the tokenizer is one of the `tokenizers` library: only those know where their tokens lie."""
    fast = bool(getattr(tokenizer, "is_fast", False))
    record.capability(f"tokenizer.{what}", fast, evidence=type(tokenizer).__name__)
    return fast


def check_padding_refused(tokenizer: Any) -> None:
    """Without a pad token a call that asks for padding must say so, and not pad with whatever there is."""
    __tracebackhide__ = True
    try:
        batch = tokenizer(list(SAMPLE_TEXTS), padding=True)
    except Exception:
        return
    rows = [list(row) for row in batch["input_ids"]]
    raise Defect("There is no pad token, and a call with padding=True returns rows all the same.",
                 evidence={"texts": list(SAMPLE_TEXTS), "ids": rows})  # fmt: skip
