from __future__ import annotations

from typing import Any

from hypothesis import given

from fixtures.inputs.texts import TRICKY_TEXTS, texts
from fixtures.session.uses import uses
from suites.evidence import around, escaped
from suites.findings import Defect, Hazard
from suites.tokenizers.encoding import encode
from suites.tokenizers.evidence import case
from suites.tokenizers.rules import rule_behind
from suites.tokenizers.tokenization_pipeline import pipeline

INDENTED = "    indented"


@uses("text")
def test_decoding_stable(tokenizer: Any) -> None:
    """Decoded text that is encoded and decoded again does not change.

    Why: an answer becomes part of the next prompt; text that changes with each turn alters the conversation and defeats
        prefix caches.
    Fix: Let the decoder of tokenizer.json undo what normalizer and pre_tokenizer add (Strip for Prepend or
        add_prefix_space).
    Source: https://github.com/huggingface/tokenizers/issues/1527;
        https://github.com/jingyaogong/minimind/issues/135;
        https://github.com/huggingface/transformers/pull/47862
    """
    for text in TRICKY_TEXTS.values():
        is_stable(tokenizer, text)

    @given(text=texts())
    def any_text(text: str) -> None:
        is_stable(tokenizer, text)

    any_text()
    if pipeline(tokenizer).spells(" "):
        keeps_indentation(tokenizer)


def is_stable(tokenizer: Any, text: str) -> None:
    """Raises Defect if a second round trip changes a text; for lost leading spaces see `keeps_indentation`."""
    __tracebackhide__ = True
    declared = pipeline(tokenizer)
    first = encode(tokenizer, declared.spellable(text))
    if declared.backend is None and tokenizer.unk_token_id in first:
        return  # the name of the unknown token is encoded as other text
    if not declared.keeps_white_space and not declared.spells(" "):
        return  # decoding adds spaces between tokens, which cannot be encoded
    once = str(tokenizer.decode(first))
    ids = encode(tokenizer, once)
    again = str(tokenizer.decode(ids))
    if declared.without_repeats(again) != declared.without_repeats(once) and not fewer_leading_spaces(once, again):
        was, now = around(once, again)
        rule = rule_behind(tokenizer, once)
        raise Defect(
            f"A second round trip changes the text again: {was} becomes {now} ({rule}).",
            evidence=case(
                tokenizer,
                once,
                ids,
                first=escaped(text, limit=400),
                expected=escaped(once, limit=400),
                actual=escaped(again, limit=400),
                rule=rule,
            ),
        )


def fewer_leading_spaces(once: str, again: str) -> bool:
    return once.endswith(again) and not once.removesuffix(again).strip(" ")


def keeps_indentation(tokenizer: Any) -> None:
    """Raises Hazard for a decoder that strips a space that was not added, as Metaspace does before a leading space."""
    __tracebackhide__ = True
    ids = encode(tokenizer, INDENTED)
    once = str(tokenizer.decode(ids))
    again = str(tokenizer.decode(encode(tokenizer, once)))
    if again != once:
        rule = rule_behind(tokenizer, INDENTED)
        raise Hazard(
            f"Each round trip removes a leading space: {escaped(INDENTED)} becomes {escaped(once)} and then "
            f"{escaped(again)} ({rule}).",
            evidence=case(tokenizer, INDENTED, ids, expected=escaped(once), actual=escaped(again), rule=rule),
            fix="Encode indented text and code after other text, or compare texts without leading spaces.",
        )
