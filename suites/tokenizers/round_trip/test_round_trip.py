from __future__ import annotations

from typing import Any

from hypothesis import given

from fixtures.inputs.texts import TRICKY_TEXTS, texts
from fixtures.session.uses import uses
from suites.evidence import around, escaped, tokens
from suites.findings import Defect, NotApplicable, Record
from suites.tokenizers.encoding import panics_as_errors
from suites.tokenizers.evidence import case
from suites.tokenizers.rules import rule_behind
from suites.tokenizers.tokenization_pipeline import Pipeline, pipeline


@uses("text")
def test_round_trip(tokenizer: Any, record: Record) -> None:
    """Decoding the ids of a text gives the text, or the form of it that normalizer and decoder declare.

    Why: the model never sees text that is lost in encoding, and never wrote text that decoding adds.
    Fix: Restore normalizer, pre_tokenizer and decoder of tokenizer.json from the original model; changes of white space
        at punctuation come from clean_up_tokenization_spaces in tokenizer_config.json.
    Source: https://huggingface.co/docs/tokenizers/pipeline;
        https://github.com/huggingface/transformers/issues/44914
    """
    declared = pipeline(tokenizer)
    record.capability("tokenizer.round_trip", describe(declared))
    if declared.capitals_without_lower_casing:
        raise Defect(
            "The vocabulary has no capital letters A to Z and no normalizer lower-cases them: they become "
            f"{declared.unknown or 'nothing'}.",
            evidence={"text": "AbC", "tokens": tokens(tokenizer, encoded(tokenizer, "AbC"))},
        )
    tried = [comes_back(tokenizer, text) for text in TRICKY_TEXTS.values()]
    if not any(tried):
        raise NotApplicable("the vocabulary cannot spell any of the tried texts")

    @given(text=texts())
    def any_text(text: str) -> None:
        comes_back(tokenizer, text)

    any_text()


def comes_back(tokenizer: Any, text: str) -> bool:
    """Compares the round trip of the spellable part of a text with its declared form; False if nothing is left."""
    __tracebackhide__ = True
    declared = pipeline(tokenizer)
    ids = encoded(tokenizer, text)
    if (spelled := declared.spellable(text)) != text:
        text, ids = spelled, encoded(tokenizer, spelled)
    if declared.backend is None and tokenizer.unk_token_id in ids:
        return False  # the text of the unknown token is not known
    back = tokenizer.decode(ids)
    expected = declared.declared_form(text) if declared.backend else stable_form(tokenizer, back)
    if declared.comparable(back) != declared.comparable(expected):
        was, now = around(expected, back)
        rule = rule_behind(tokenizer, text)
        cause = "because clean_up_tokenization_spaces is true" if is_clean_up(tokenizer, ids, expected) else f"({rule})"
        raise Defect(
            f"Decoding the ids of a text gives other text: {was} becomes {now} {cause}.",
            evidence=case(
                tokenizer, text, ids, expected=escaped(expected, limit=400), actual=escaped(back, limit=400), rule=rule
            ),
        )
    if declared.backend and not declared.restores(text):
        report_change(tokenizer, text, ids)
    return bool(text)


def report_change(tokenizer: Any, text: str, ids: list[int]) -> None:
    """Raises Defect for pre-tokenizer and decoder that do not give the normalized text back."""
    __tracebackhide__ = True
    declared = pipeline(tokenizer)
    was, now = around(declared.normalized(text), declared.declared_form(text))
    rule = rule_behind(tokenizer, text)
    raise Defect(
        f"Pre-tokenizer and decoder change the text: {was} becomes {now} ({rule}).",
        evidence=case(
            tokenizer,
            text,
            ids,
            expected=escaped(declared.normalized(text), limit=400),
            actual=escaped(declared.declared_form(text), limit=400),
            rule=rule,
        ),
    )


def is_clean_up(tokenizer: Any, ids: list[int], expected: str) -> bool:
    """True if decoding without clean_up_tokenization_spaces gives the expected text."""
    return bool(tokenizer.decode(ids, clean_up_tokenization_spaces=False) == expected)


def encoded(tokenizer: Any, text: str) -> list[int]:
    __tracebackhide__ = True
    try:
        with panics_as_errors():
            return list(tokenizer.encode(text, add_special_tokens=False))
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        summary = f"The text {escaped(text)} cannot be encoded: {cause}."
        raise Defect(summary, evidence={"text": escaped(text)}) from None


def stable_form(tokenizer: Any, back: str) -> str:
    """Expected text without a backend: decoding must be stable from the second time on."""
    return str(tokenizer.decode(tokenizer.encode(back, add_special_tokens=False)))


def describe(declared: Pipeline) -> str:
    """Value of the capability: what the declared form keeps of a text."""
    if not declared.backend:
        return "not declared"
    white_space = "white space preserved" if declared.keeps_white_space else "white space not preserved"
    changed = declared.normalized("É ﬁ e\u0301") != "É ﬁ e\u0301" and "text normalized"
    return ", ".join(filter(None, [changed or "text unchanged", white_space]))
