"""Calls of a tokenizer whose exceptions become findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fixtures.machine import library_versions
from suites.evidence import escaped
from suites.findings import Blocked, Defect, NotApplicable, Record
from suites.tokenizers.encoding import ROUND_TRIP, cannot_encode, panics_as_errors

SAMPLE_TEXTS = ("a", "The quick brown fox jumps over the lazy dog.", "one two three", "x != y; é, 你好 👍🏽 don't")
"""Texts of different lengths, for checks of the options of a call."""
CALL_OPTIONS = {"return_attention_mask": True, "return_special_tokens_mask": True, "verbose": False}


def call_or_skip(tokenizer: Any, text: str, pair: str | None = None, **options: Any) -> dict[str, Any]:
    """Encodes one text or a pair. Blocked if that fails: `round-trip` reports texts that cannot be encoded."""
    __tracebackhide__ = True
    try:
        with panics_as_errors():
            return dict(tokenizer(text, pair, **CALL_OPTIONS, **options))
    except Exception as error:
        raise Blocked(ROUND_TRIP, cannot_encode(text, error)) from None


def call_or_defect(tokenizer: Any, text: Any, pair: Any = None, **options: Any) -> Any:
    """Encodes texts that can be encoded one by one; a defect if this call raises an exception."""
    __tracebackhide__ = True
    try:
        with panics_as_errors():
            return tokenizer(text, pair, **(CALL_OPTIONS | options))
    except Exception as error:
        how = ", ".join(f"{name}={value!r}" for name, value in options.items())
        raise Defect(
            f"A call of the tokenizer with {how or 'several texts'} raises {type(error).__name__}: {str(error)[:200]}",
            evidence={"texts": escaped(str(text), limit=400), "pairs": escaped(str(pair), limit=400), "options": how},
        ) from None


def takes_pairs(tokenizer: Any) -> bool:
    """False for mistral-common's tokenizer, which encodes single texts only, as documented."""
    return not library_versions.of_mistral_common(tokenizer)


def no_pairs(texts: Sequence[str]) -> list[None]:
    """One None per text, for calls without second texts."""
    return [None] * len(texts)


@contextmanager
def truncation_side(tokenizer: Any, side: str) -> Iterator[None]:
    """Sets the side from which calls truncate, which is an attribute and no option of the call."""
    before = tokenizer.truncation_side
    tokenizer.truncation_side = side
    try:
        yield
    finally:
        tokenizer.truncation_side = before


def require_fast(tokenizer: Any, record: Record, ability: str) -> None:
    """Records whether the tokenizer is a fast one; raises NotApplicable for others, which give no positions."""
    __tracebackhide__ = True
    fast = bool(getattr(tokenizer, "is_fast", False))
    record.capability(
        f"tokenizer.{ability}", "supported" if fast else "not supported", evidence=type(tokenizer).__name__
    )
    if not fast:
        raise NotApplicable(f"{type(tokenizer).__name__} is not a fast tokenizer, and gives no positions of tokens")


def check_padding_refused(tokenizer: Any) -> None:
    """Raises Defect if a call with padding=True returns rows although there is no pad token."""
    __tracebackhide__ = True
    try:
        batch = tokenizer(list(SAMPLE_TEXTS), padding=True)
    except Exception:
        return
    rows = [list(row) for row in batch["input_ids"]]
    raise Defect(
        "The tokenizer has no pad token, but a call with padding=True returns rows instead of raising an exception.",
        evidence={"texts": list(SAMPLE_TEXTS), "ids": rows},
    )
