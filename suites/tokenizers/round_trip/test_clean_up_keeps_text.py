from __future__ import annotations

from typing import Any

from fixtures.session.uses import uses
from suites.evidence import around, escaped
from suites.findings import Defect, NotApplicable, Record
from suites.tokenizers.encoding import encode
from suites.tokenizers.evidence import case
from suites.tokenizers.tokenization_pipeline import pipeline

TEXTS = (
    "if x != y and a <= b",
    "f( x , y ) . g ! h ?",
    "the word 'social' is quoted",
    "say ' quoted ' twice",
    "I 'm sure they 've gone, it 's late and we 're not",
    "do n't and ca n't",
    "SELECT * FROM t WHERE a = 'b' ; -- done .",
    "wait ... what ?! :-)",
)
REPLACED = {" .": ".", " ?": "?", " !": "!", " ,": ",", " ' ": "'", " n't": "n't", " 'm": "'m", " 's": "'s",
            " 've": "'ve", " 're": "'re"}  # fmt: skip
"""Replacements of clean_up_tokenization_spaces, in this order."""


@uses("text")
def test_clean_up_keeps_text(tokenizer: Any, record: Record) -> None:
    """Decoding keeps the space before punctuation and contractions, if the decoder keeps white space.

    Why: clean_up_tokenization_spaces is meant for WordPiece; with other tokenizers it corrupts code (`x != y` becomes
        `x!= y`), quotations and tokenized English, and streamed text differs from decoded text.
    Fix: Set clean_up_tokenization_spaces to false in tokenizer_config.json.
    Source: https://github.com/huggingface/transformers/issues/44914;
        https://github.com/huggingface/transformers/issues/32575
    """
    declared = pipeline(tokenizer)
    if declared.backend and not declared.keeps_white_space:
        record.capability("tokenizer.clean_up", "white space is never preserved")
        raise NotApplicable("the decoder does not preserve white space")
    declares = bool(getattr(tokenizer, "clean_up_tokenization_spaces", False))
    record.capability("tokenizer.clean_up", "declared, without effect" if declares else "none")
    for text in map(declared.spellable, TEXTS):
        keeps_spaces(tokenizer, text, declared.declared_form(text) if declared.backend else text)


def keeps_spaces(tokenizer: Any, text: str, expected: str) -> None:
    __tracebackhide__ = True
    ids = encode(tokenizer, text)
    back, plain = tokenizer.decode(ids), tokenizer.decode(ids, clean_up_tokenization_spaces=False)
    if back == plain and (back == expected or back != cleaned_up(expected)):
        return
    was, now = around(plain if plain != back else expected, back)
    raise Defect(
        f"Decoding removes white space as clean_up_tokenization_spaces does: {was} becomes {now}.",
        evidence=case(tokenizer, text, ids, expected=escaped(expected), actual=escaped(back)),
    )


def cleaned_up(text: str) -> str:
    for old, new in REPLACED.items():
        text = text.replace(old, new)
    return text
