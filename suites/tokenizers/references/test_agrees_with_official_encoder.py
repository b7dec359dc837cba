from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from typing import Any

from hypothesis import given

from fixtures.inputs.texts import texts
from fixtures.references.matching import references
from fixtures.references.reference import Reference, ReferenceMissing
from fixtures.subjects.subject import Subject
from suites.evidence import escaped
from suites.findings import Defect, Record, Unsupported
from suites.tokenizers.references.mismatch import (
    Mismatch,
    comparable_text,
    evidence,
    fixed_texts,
    mismatch,
    pattern_of,
    pre_tokens,
    token_strings,
)
from suites.tokenizers.tokenization_pipeline import pipeline


def test_agrees_with_official_encoder(tokenizer: Any, subject: Subject, record: Record) -> None:
    """Plain text gets the ids that the encoder of the vocabulary's owners gives.

    Why: a conversion with another pattern, normalizer or order of merges gives the model tokens that it was not
        trained on, and every check of the files against themselves still passes.
    Fix: Take tokenizer.json from the owners of the vocabulary, or convert their file again with its own pattern.
    Source: https://github.com/huggingface/transformers/pull/42299;
        https://github.com/huggingface/tokenizers/issues/1512;
        https://huggingface.co/docs/transformers/tiktoken
    """
    found = fitting(tokenizer, subject, record)
    record.capability("tokenizer.independent_encoder", "; ".join(each.name for each in found) or "none")

    def agree(text: str) -> None:
        __tracebackhide__ = True
        for reference in found:
            agrees(tokenizer, reference, text)

    if found:
        for text in fixed_texts():
            agree(text)
        given(text=texts(min_size=1))(agree)()


def fitting(tokenizer: Any, subject: Subject, record: Record) -> list[Reference]:
    """The references whose vocabulary this is; what is only not installed here is told as such."""
    __tracebackhide__ = True
    try:
        vocabulary = pipeline(tokenizer).vocabulary
        return list(references(subject.path, vocabulary, pattern_of(tokenizer)))
    except ReferenceMissing as missing:
        record.capability("tokenizer.independent_encoder", "not installed", evidence=str(missing))
        raise Unsupported(f"{missing}.") from None


def agrees(tokenizer: Any, reference: Reference, text: str) -> None:
    """Compares the ids of what of the text both sides are to agree on."""
    __tracebackhide__ = True
    part = comparable_text(tokenizer, text, bare=reference.stripped_text_only)
    found = mismatch(tokenizer, reference.encode, part) if part else None
    if found:
        raise Defect(_summary(tokenizer, reference, found), evidence=_evidence(tokenizer, reference, found))


def _summary(tokenizer: Any, reference: Reference, found: Mismatch) -> str:
    return (
        f"{escaped(found.text, limit=40)} gets other ids than by {reference.name}, whose vocabulary this is: "
        f"{_cause(tokenizer, reference, found)}."
    )


def _cause(tokenizer: Any, reference: Reference, found: Mismatch) -> str:
    """The pattern where both cut the text differently, else what lies behind it."""
    expected, actual = pieces(reference, found.text), pre_tokens(tokenizer, found.text)
    if expected and actual and expected != actual:
        return f"the pre_tokenizer cuts it into {_shown(actual)} instead of {_shown(expected)}"
    normalized = pipeline(tokenizer).normalized(found.text) if pipeline(tokenizer).backend else found.text
    if normalized.replace("▁", " ").strip() != found.text.strip():
        return f"the normalizer makes {escaped(normalized, limit=40)} of it"
    ours, theirs = (_shown(token_strings(tokenizer, ids[found.where :])) for ids in (found.actual, found.expected))
    return f"{ours} instead of {theirs}, so the model's merges or scores differ"


def _shown(cut: Sequence[str | None]) -> str:
    """The first pieces, each in brackets."""
    return " ".join(f"[{escaped(each or 'no token', limit=20)[1:-1]}]" for each in cut[:6])


def _evidence(tokenizer: Any, reference: Reference, found: Mismatch) -> dict[str, Any]:
    patterns = {"pattern of the reference": reference.pattern, "pattern of the tokenizer": pattern_of(tokenizer)}
    shown = patterns if reference.exact_pattern and len(set(patterns.values())) == 2 else {}
    return evidence(tokenizer, found, pieces=pieces(reference, found.text)) | {"reference": reference.name} | shown


def pieces(reference: Reference, text: str) -> list[str]:
    """What the reference's pattern cuts the text into; [] without a pattern, or without the package `regex`."""
    if not reference.pattern or importlib.util.find_spec("regex") is None:
        return []
    regex = importlib.import_module("regex")  # comes with tiktoken

    return [match[0] for match in regex.finditer(reference.pattern, text)]
