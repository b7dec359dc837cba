from __future__ import annotations

import unicodedata
from typing import Any

from hypothesis import given

from fixtures.inputs.texts import texts
from fixtures.machine import library_versions
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.evidence import escaped
from suites.findings import Defect, NotApplicable, Record
from suites.tokenizers.encoding import encode
from suites.tokenizers.references.mismatch import comparable_text, evidence, fixed_texts, mismatch

FINAL_SIGMA = "Σ"
"""Python's lower() turns it into another letter at the end of a word, Rust's lower-casing of characters does not."""


def is_stable(character: str) -> bool:
    """True if the character has had the same category since Unicode 3.2.

    Both implementations have their own tables, of different versions; this is no fault of the subject.
    """
    category = unicodedata.category(character)
    old = unicodedata.ucd_3_2_0.category(character)
    return category == old and category not in ("Cn", "Co") and character != FINAL_SIGMA


@uses("text")
def test_fast_and_slow_agree(tokenizer: Any, subject: Subject, record: Record) -> None:
    """The fast tokenizer gives the same ids as the slow one, if the installed library has both.

    Why: a program that loads the slow one, by an option or with an older library, gives the model other tokens.
    Fix: Convert the slow tokenizer's files to tokenizer.json again, with the library version that the model names.
    Source: https://github.com/huggingface/transformers/issues/29774;
        https://github.com/huggingface/transformers/issues/35973
    """
    slow = library_versions.slow_tokenizer(subject.path, tokenizer)
    record.capability("tokenizer.slow_class", type(slow).__name__ if slow is not None else "none")
    if slow is None:
        raise NotApplicable(f"the installed library has no slow tokenizer for {type(tokenizer).__name__}")

    def agrees(text: str) -> None:
        __tracebackhide__ = True
        part = comparable_text(tokenizer, "".join(filter(is_stable, text)), bare=True)
        found = mismatch(tokenizer, lambda each: encode(slow, each), part) if part else None
        if found:
            raise Defect(
                f"The text {escaped(found.text, limit=40)} gets other ids from {type(tokenizer).__name__} than from "
                f"{type(slow).__name__}, loaded from the same files; they differ from position {found.where} on.",
                evidence=evidence(tokenizer, found),
            )

    for text in fixed_texts():
        agrees(text)
    given(text=texts(min_size=1))(agrees)()
