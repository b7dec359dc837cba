from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from suites.findings import Defect, Hazard, Record, Unsupported
from suites.tokenizers.batch_codec import BatchCodec
from suites.tokenizers.rules import rule_behind
from suites.tokenizers.tokenization_pipeline import Pipeline, pipeline
from suites.tokenizers.vocabulary.unreachable_tokens import Entry, rewritten_by_normalizer, sample, split_by_model

FEW, MANY = 0.03, 0.15
"""Published tokenizers have 0.9% at most (reserved pieces of Baichuan 2), CLIP's capitals are 1.7%. Where half of the
merges is missing it is 45%, where a cased vocabulary is lower-cased 20%."""


def test_vocabulary_reachable(tokenizer: Any, record: Record) -> None:
    """Nearly every ordinary token is what some text becomes: merges lead to it, and no normalizer rewrites its letters.

    Why: what a model learned about tokens that never come again is lost; texts become more and rarer tokens, and
        nothing else shows that merges were cut or that a cased vocabulary is lower-cased.
    Fix: Restore model.merges and the normalizer of tokenizer.json, and do_lower_case, from the original model.
    Source: https://arxiv.org/abs/2405.05417
    """
    declared = pipeline(tokenizer)
    if declared.backend is None:
        raise Unsupported(f"{type(tokenizer).__name__} has no backend whose merges could be asked")
    entries = sample(tokenizer, declared)
    merges, letters = (
        split_by_model(declared, entries),
        rewritten_by_normalizer(declared, BatchCodec(tokenizer), entries),
    )
    share = len({*merges, *letters}) / max(1, len(entries))
    record.metric("tokenizer.unreachable_tokens", share, "of vocabulary", better="lower", samples=len(entries))
    if share >= FEW:
        report(tokenizer, declared, merges, letters, len(entries))


def report(tokenizer: Any, declared: Pipeline, merges: Sequence[Entry], letters: Sequence[Entry], tried: int) -> None:
    __tracebackhide__ = True
    share = len({*merges, *letters}) / tried
    cause = by_merges(declared, merges) if len(merges) >= len(letters) else by_letters(tokenizer, letters)
    raise (Defect if share >= MANY else Hazard)(
        f"{share:.0%} of the vocabulary is never used: {cause}.",
        evidence={"tried": tried, "not made by the model": len(merges), "rewritten": len(letters),
                  "tokens": [token for token, _ in [*merges[:10], *letters[:10]]]},
    )  # fmt: skip


def by_merges(declared: Pipeline, merges: Sequence[Entry]) -> str:
    token = merges[len(merges) // 2][0]  # the first ones may be reserved
    model = declared.backend.model
    pieces = " ".join(str(piece.value) for piece in model.tokenize(token)[:6])
    kind = type(model).__name__
    what = "merges are missing or in another order" if kind == "BPE" else "its scores prefer other pieces"
    return f"{kind} makes {pieces!r} of {token!r}; {what}"


def by_letters(tokenizer: Any, letters: Sequence[Entry]) -> str:
    token, number = letters[len(letters) // 2]
    text = BatchCodec(tokenizer).decode([[number]])[0]
    return f"the letters of {token!r} are rewritten ({rule_behind(tokenizer, text)})"
