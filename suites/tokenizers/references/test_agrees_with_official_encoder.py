from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from typing import Any

from hypothesis import given

from fixtures.inputs.texts import texts
from fixtures.references.matching import references
from fixtures.references.reference import Reference, ReferenceMissing
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.evidence import escaped
from suites.findings import Defect, Missing, NotApplicable, Record
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


@uses("text")
def test_agrees_with_official_encoder(tokenizer: Any, subject: Subject, record: Record) -> None:
    """Plain text gets the ids that the official encoder of the vocabulary gives.

    Why: a conversion with another pattern, normalizer or order of merges gives the model tokens that it was not
        trained on. Checks of the files alone do not show it.
    Fix: Use the tokenizer.json of the vocabulary's publisher, or convert the original file again with its own pattern.
    Source: https://github.com/huggingface/transformers/pull/42299;
        https://github.com/huggingface/tokenizers/issues/1512;
        https://huggingface.co/docs/transformers/tiktoken
    """
    found = matching(tokenizer, subject, record)
    record.capability("tokenizer.independent_encoder", "; ".join(each.name for each in found) or "none")

    def agree(text: str) -> None:
        __tracebackhide__ = True
        for reference in found:
            agrees(tokenizer, reference, text)

    if not found:
        raise NotApplicable("seatrial knows no official encoder of this vocabulary")
    for text in fixed_texts():
        agree(text)
    given(text=texts(min_size=1))(agree)()


def matching(tokenizer: Any, subject: Subject, record: Record) -> list[Reference]:
    """The references with this vocabulary; Missing if the package of one is not installed."""
    __tracebackhide__ = True
    try:
        vocabulary = pipeline(tokenizer).vocabulary
        return list(references(subject.path, vocabulary, pattern_of(tokenizer)))
    except ReferenceMissing as missing:
        record.capability("tokenizer.independent_encoder", "not installed", evidence=str(missing))
        raise Missing(f"{missing}.", missing.how) from None


def agrees(tokenizer: Any, reference: Reference, text: str) -> None:
    """Compares the ids of the part of the text on which both sides must agree."""
    __tracebackhide__ = True
    part = comparable_text(tokenizer, text, bare=reference.stripped_text_only)
    found = mismatch(tokenizer, reference.encode, part) if part else None
    if found:
        raise Defect(_summary(tokenizer, reference, found), evidence=_evidence(tokenizer, reference, found))


def _summary(tokenizer: Any, reference: Reference, found: Mismatch) -> str:
    return (
        f"The text {escaped(found.text, limit=40)} gets other ids than from {reference.name}, the encoder of this "
        f"vocabulary: {_cause(tokenizer, reference, found)}."
    )


def _cause(tokenizer: Any, reference: Reference, found: Mismatch) -> str:
    """The likely cause: the pre-tokenizer, the normalizer, or the model."""
    expected, actual = pieces(reference, found.text), pre_tokens(tokenizer, found.text)
    if expected and actual and expected != actual:
        return f"the pre_tokenizer splits it into {_shown(actual)} instead of {_shown(expected)}"
    normalized = pipeline(tokenizer).normalized(found.text) if pipeline(tokenizer).backend else found.text
    if normalized.replace("▁", " ").strip() != found.text.strip():
        return f"the normalizer turns it into {escaped(normalized, limit=40)}"
    ours, theirs = (_shown(token_strings(tokenizer, ids[found.where :])) for ids in (found.actual, found.expected))
    return f"it becomes {ours} instead of {theirs}, so merges or scores of the model differ"


def _shown(cut: Sequence[str | None]) -> str:
    """The first pieces, each in brackets."""
    return " ".join(f"[{escaped(each or 'no token', limit=20)[1:-1]}]" for each in cut[:6])


def _evidence(tokenizer: Any, reference: Reference, found: Mismatch) -> dict[str, Any]:
    patterns = {"pattern of the reference": reference.pattern, "pattern of the tokenizer": pattern_of(tokenizer)}
    shown = patterns if reference.exact_pattern and len(set(patterns.values())) == 2 else {}
    return evidence(tokenizer, found, pieces=pieces(reference, found.text)) | {"reference": reference.name} | shown


def pieces(reference: Reference, text: str) -> list[str]:
    """The pieces into which the reference's pattern splits the text; [] without pattern or package `regex`."""
    if not reference.pattern or importlib.util.find_spec("regex") is None:
        return []
    regex = importlib.import_module("regex")  # a dependency of tiktoken
    return [match[0] for match in regex.finditer(reference.pattern, text)]
