from __future__ import annotations

from typing import Any

from hypothesis import given

from fixtures.inputs.texts import TRICKY_TEXTS, texts
from suites.evidence import around, escaped
from suites.findings import Defect, Hazard
from suites.tokenizers.encoding import encode
from suites.tokenizers.evidence import case
from suites.tokenizers.rules import rule_behind
from suites.tokenizers.tokenization_pipeline import pipeline

INDENTED = "    indented"


def test_decoding_stable(tokenizer: Any) -> None:
    """A second round trip changes nothing: decoded text, encoded and decoded again, is the same text.

    Why: an answer goes back into the next prompt; text that grows or shrinks with each turn drifts away from what
        was said, and defeats every cache of prefixes.
    Fix: Make the decoder of tokenizer.json undo what its normalizer and pre_tokenizer add (Prepend or
        add_prefix_space with Strip).
    Source: https://github.com/huggingface/tokenizers/issues/1527;
        https://github.com/jingyaogong/minimind/issues/135;
        https://github.com/huggingface/transformers/pull/47862
    """
    for text in TRICKY_TEXTS.values():
        stays(tokenizer, text)

    @given(text=texts())
    def any_text(text: str) -> None:
        stays(tokenizer, text)

    any_text()
    if pipeline(tokenizer).spells(" "):
        keeps_indentation(tokenizer)


def stays(tokenizer: Any, text: str) -> None:
    """Leading spaces that become fewer are told apart: see `keeps_indentation`."""
    __tracebackhide__ = True
    declared = pipeline(tokenizer)
    first = encode(tokenizer, declared.spellable(text))
    if declared.backend is None and tokenizer.unk_token_id in first:
        return  # the unknown token's name, as a text, is another text
    if not declared.keeps_white_space and not declared.spells(" "):
        return  # decoding puts spaces between tokens, and they are unknown
    once = str(tokenizer.decode(first))
    ids = encode(tokenizer, once)
    again = str(tokenizer.decode(ids))
    if declared.without_repeats(again) != declared.without_repeats(once) and not fewer_leading_spaces(once, again):
        was, now = around(once, again)
        rule = rule_behind(tokenizer, once)
        raise Defect(
            f"A second round trip changes the text again: {now} where {was} was ({rule}).",
            evidence=case(tokenizer, once, ids, first=escaped(text, limit=400), expected=escaped(once, limit=400),
                          actual=escaped(again, limit=400), rule=rule),
        )  # fmt: skip


def fewer_leading_spaces(once: str, again: str) -> bool:
    return once.endswith(again) and not once.removesuffix(again).strip(" ")


def keeps_indentation(tokenizer: Any) -> None:
    """Metaspace puts no mark before a text that begins with a space, and its decoder takes one away all the same."""
    __tracebackhide__ = True
    ids = encode(tokenizer, INDENTED)
    once = str(tokenizer.decode(ids))
    again = str(tokenizer.decode(encode(tokenizer, once)))
    if again != once:
        rule = rule_behind(tokenizer, INDENTED)
        raise Hazard(
            f"Each round trip takes a leading space away: {escaped(INDENTED)} becomes {escaped(once)}, and that "
            f"{escaped(again)} ({rule}).",
            evidence=case(tokenizer, INDENTED, ids, expected=escaped(once), actual=escaped(again), rule=rule),
            remedy="Encode indented text and code after other text, or compare texts without their leading spaces.",
        )
