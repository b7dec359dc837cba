"""Promise: text after a special token does not grow a space."""

from __future__ import annotations

from typing import Any

from fixtures.subjects.subject import Subject
from suites.findings import Defect, Hazard
from suites.tokenizers.declared import kinds, pipeline
from suites.tokenizers.evidence import tokens
from suites.tokenizers.special import encode, special_tokens

MARKS = ("▁", "Ġ", " ")
TRIED = 12


def test_no_space_after_special(subject: Subject, tokenizer: Any) -> None:
    """Text that follows a special token directly is encoded without a space in front of it.

    Why: turn headers stand directly before text; a space that grows there is not what the model was trained on,
        and token counts differ from other implementations.
    Fix: Set add_prefix_space to false (ByteLevel), or prepend_scheme to "first" and legacy to false (Metaspace).
    Source: https://github.com/huggingface/transformers/pull/24565;
        https://github.com/huggingface/transformers/pull/25073
    """
    for token in list(special_tokens(tokenizer))[:TRIED]:
        ids = encode(tokenizer, f"{token}hello")
        first = str(tokens(tokenizer, ids[1:2])[0]) if len(ids) > 1 else ""
        if first.startswith(MARKS):
            report(subject, tokenizer, token, ids)


def report(subject: Subject, tokenizer: Any, token: str, ids: list[int]) -> None:
    __tracebackhide__ = True
    component, published = cause(tokenizer)
    # A byte-level chat model has no published precedent for it; SentencePiece's legacy has many (Llama 2).
    severity = Hazard if published or not subject.traits.has_chat_template else Defect
    raise severity(
        f"Text grows a space after the special token {token}: 'hello' becomes "
        f"{tokens(tokenizer, ids)[1]!r} ({component}).",
        evidence={"text": f"{token}hello", "ids": ids, "tokens": tokens(tokenizer, ids)},
    )


def cause(tokenizer: Any) -> tuple[str, bool]:
    """The component that adds the space, and whether published models are known to do so on purpose."""
    backend = pipeline(tokenizer).backend
    if backend is None:
        return "SentencePiece's dummy prefix", True
    if "ByteLevel" in kinds(backend.pre_tokenizer):
        return "add_prefix_space: true of the ByteLevel pre-tokenizer", False
    if "Prepend" in kinds(backend.normalizer):
        return "the Prepend normalizer", True
    return 'prepend_scheme "always" of the Metaspace pre-tokenizer', True
