"""Promise: a text that has been through the tokenizer once stays as it is."""

from __future__ import annotations

from typing import Any

from hypothesis import given

from fixtures.inputs.texts import NASTY, texts
from suites.findings import Defect
from suites.tokenizers.declared import pipeline
from suites.tokenizers.evidence import around, case, escaped
from suites.tokenizers.rules import rule_behind
from suites.tokenizers.special import encode


def test_decoding_stable(tokenizer: Any) -> None:
    """A second round trip changes nothing: decoded text, encoded and decoded again, is the same text.

    Why: an answer goes back into the next prompt; text that grows or shrinks with each turn drifts away from what
        was said, and defeats every cache of prefixes.
    Fix: Make the decoder of tokenizer.json undo what its normalizer and pre_tokenizer add (Prepend or
        add_prefix_space with Strip).
    Source: https://github.com/huggingface/tokenizers/issues/1527;
        https://github.com/jingyaogong/minimind/issues/135
    """
    for text in NASTY.values():
        stays(tokenizer, text)

    @given(text=texts())
    def any_text(text: str) -> None:
        stays(tokenizer, text)

    any_text()


def stays(tokenizer: Any, text: str) -> None:
    __tracebackhide__ = True
    once = str(tokenizer.decode(encode(tokenizer, pipeline(tokenizer).spellable(text))))
    ids = encode(tokenizer, once)
    again = str(tokenizer.decode(ids))
    if again != once:
        was, now = around(once, again)
        rule = rule_behind(tokenizer, once)
        raise Defect(
            f"A second round trip changes the text again: {now} where {was} was ({rule}).",
            evidence=case(tokenizer, once, ids, first=escaped(text, limit=400), expected=escaped(once, limit=400),
                          actual=escaped(again, limit=400), rule=rule),
        )  # fmt: skip
