from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fixtures.inputs.texts import TRICKY_TEXTS, texts
from fixtures.session.uses import uses
from suites.findings import Defect
from suites.tokenizers.checked_calls import SAMPLE_TEXTS, call_or_defect, call_or_skip, no_pairs, takes_pairs
from suites.tokenizers.evidence import case


@uses("text")
def test_batch_equals_single(tokenizer: Any) -> None:
    """A text gets the same ids, masks and token types in a batch as on its own, and so does a pair.

    Why: training encodes in batches and serving one by one; the model then sees ids that it was not trained on.
    Fix: Make a custom tokenizer class do the same in both cases; with a class of the library, report it there.
    Source: https://huggingface.co/docs/transformers/main_classes/tokenizer
    """
    same(tokenizer, list(TRICKY_TEXTS.values()))
    if takes_pairs(tokenizer):
        same(tokenizer, list(SAMPLE_TEXTS), list(SAMPLE_TEXTS[::-1]))

    @given(batch=st.lists(texts(min_size=1, max_size=3), min_size=1, max_size=4))
    def any_batch(batch: list[str]) -> None:
        same(tokenizer, batch)

    any_batch()


def same(tokenizer: Any, batch: list[str], pairs: list[str] | None = None) -> None:
    """Compares each row of a batch with a call for its text alone."""
    __tracebackhide__ = True
    alone = [call_or_skip(tokenizer, *texts) for texts in zip(batch, pairs or no_pairs(batch), strict=True)]
    together = call_or_defect(tokenizer, batch, pairs)
    for number, (text, single) in enumerate(zip(batch, alone, strict=True)):
        for key, value in single.items():
            row = together[key][number]
            if list(row) != list(value):
                raise Defect(
                    f"The {key} of a text differ between a batch and a call with this text alone.",
                    evidence=case(
                        tokenizer,
                        text,
                        single["input_ids"],
                        key=key,
                        alone=list(value)[:60],
                        batched=list(row)[:60],
                        row=number,
                    ),
                )
    actual = tokenizer.batch_decode(together["input_ids"])
    expected = [tokenizer.decode(each["input_ids"]) for each in alone]
    if list(actual) != expected:
        raise Defect("batch_decode gives other texts than decode.", evidence={"one": expected, "all": actual})
