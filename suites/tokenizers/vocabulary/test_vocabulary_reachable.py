from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fixtures.session.uses import uses
from suites.findings import Defect, Hazard, NotApplicable, Record
from suites.tokenizers.batch_codec import BatchCodec
from suites.tokenizers.rules import rule_behind
from suites.tokenizers.tokenization_pipeline import Pipeline, pipeline
from suites.tokenizers.vocabulary.unreachable_tokens import Entry, rewritten_by_normalizer, sample, split_by_model

HAZARD_FROM, DEFECT_FROM = 0.03, 0.15
"""Share of unreachable tokens. Published tokenizers have at most 0.9% (reserved pieces of Baichuan 2), CLIP 1.7%
(capitals). With half of the merges missing it is 45%, with a cased vocabulary and lower-casing 20%."""


@uses("text")
def test_vocabulary_reachable(tokenizer: Any, record: Record) -> None:
    """Nearly every ordinary token can occur: the model's merges produce it, and the normalizer keeps its text.

    Why: tokens that no longer occur are replaced by more and rarer ones that the model knows less well; nothing else
        shows missing merges, or lower-casing with a cased vocabulary.
    Fix: Restore model.merges, the normalizer of tokenizer.json and do_lower_case from the original model.
    Source: https://arxiv.org/abs/2405.05417
    """
    declared = pipeline(tokenizer)
    if declared.backend is None:
        raise NotApplicable(f"{type(tokenizer).__name__} has no backend of the library tokenizers")
    entries = sample(tokenizer, declared)
    merges, letters = (
        split_by_model(declared, entries),
        rewritten_by_normalizer(declared, BatchCodec(tokenizer), entries),
    )
    share = len({*merges, *letters}) / max(1, len(entries))
    record.metric("tokenizer.unreachable_tokens", share, "of vocabulary", better="lower", samples=len(entries))
    if share >= HAZARD_FROM:
        report(tokenizer, declared, merges, letters, len(entries))


def report(tokenizer: Any, declared: Pipeline, merges: Sequence[Entry], letters: Sequence[Entry], tried: int) -> None:
    __tracebackhide__ = True
    share = len({*merges, *letters}) / tried
    cause = by_merges(declared, merges) if len(merges) >= len(letters) else by_letters(tokenizer, letters)
    raise (Defect if share >= DEFECT_FROM else Hazard)(
        f"{share:.0%} of the vocabulary is never used: {cause}.",
        evidence={
            "tried": tried,
            "not made by the model": len(merges),
            "rewritten": len(letters),
            "tokens": [token for token, _ in [*merges[:10], *letters[:10]]],
        },
    )


def by_merges(declared: Pipeline, merges: Sequence[Entry]) -> str:
    token = merges[len(merges) // 2][0]  # the first ones may be reserved
    model = declared.backend.model
    pieces = " ".join(str(piece.value) for piece in model.tokenize(token)[:6])
    kind = type(model).__name__
    cause = "merges are missing or in another order" if kind == "BPE" else "its scores prefer other pieces"
    return f"for example, the {kind} model splits {token!r} into {pieces!r}, so {cause}"


def by_letters(tokenizer: Any, letters: Sequence[Entry]) -> str:
    token, number = letters[len(letters) // 2]
    text = BatchCodec(tokenizer).decode([[number]])[0]
    return f"for example, the letters of {token!r} are rewritten ({rule_behind(tokenizer, text)})"
