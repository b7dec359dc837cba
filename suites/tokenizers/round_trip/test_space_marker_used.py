from __future__ import annotations

from typing import Any

from fixtures.session.uses import uses
from suites.evidence import tokens
from suites.findings import Defect, NotApplicable
from suites.tokenizers.encoding import encode

TEXT = "the house of the man and the name of the day"
MARKS = ("▁", "Ġ")
MANY = 0.1
"""Share of tokens with a marker from which the marker must be used."""


@uses("text")
def test_space_marker_used(tokenizer: Any) -> None:
    """If many tokens begin with a space marker (▁ or Ġ), words after a space are encoded with such tokens.

    Why: without its normalizer or pre-tokenizer, a tokenizer still encodes and restores text, but in tokens that the
        model was not trained on.
    Fix: Restore normalizer and pre_tokenizer of tokenizer.json from the original model.
    Source: https://huggingface.co/docs/tokenizers/components; https://github.com/huggingface/transformers/issues/28164
    """
    vocabulary = tokenizer.get_vocab()
    counts = {mark: sum(token.startswith(mark) for token in vocabulary) for mark in MARKS}
    many = {mark: marked for mark, marked in counts.items() if marked > MANY * len(vocabulary)}
    if not many:
        raise NotApplicable("few tokens of the vocabulary begin with a space marker")
    shown = tokens(tokenizer, encode(tokenizer, TEXT))
    for mark, marked in many.items():
        if not any(str(token).startswith(mark) for token in shown):
            raise Defect(
                f"{marked} of {len(vocabulary)} tokens begin with the space marker {mark}, but no space is encoded "
                "with one: the normalizer or pre-tokenizer that writes it is missing.",
                evidence={"text": TEXT, "tokens": shown, "marked": marked},
            )
