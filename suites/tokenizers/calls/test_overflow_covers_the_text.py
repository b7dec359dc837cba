from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from fixtures.inputs.texts import texts
from fixtures.session.uses import SPANS, uses
from fixtures.text.differences import first_difference
from suites.findings import Defect, Record
from suites.tokenizers.calls.layout import layout
from suites.tokenizers.checked_calls import SAMPLE_TEXTS, call_or_defect, require_fast, truncation_side
from suites.tokenizers.evidence import case

LONG = "The quick brown fox jumps over the lazy dog, and one, two, three more."


@uses("training", "embeddings", *SPANS)
def test_overflow_covers_the_text(tokenizer: Any, record: Record) -> None:
    """With return_overflowing_tokens, the windows of a long text cover all its ids and overlap by the stride.

    Why: question answering and retrieval read long documents through these windows; text outside of them is never
        read.
    Fix: Set "truncation" to null in tokenizer.json; do not change overflowing tokens in a custom class.
    Source: https://huggingface.co/docs/transformers/main_classes/tokenizer
    """
    require_fast(tokenizer, record, "overflowing_tokens")
    for side in ("right", "left"):
        with truncation_side(tokenizer, side):
            for budget, stride in ((4, 0), (5, 2), (4, 3)):
                covered(tokenizer, [LONG], budget, stride, side)
            covered(tokenizer, [*SAMPLE_TEXTS, LONG], 5, 2, side)

    @given(text=texts(min_size=1, max_size=3), budget=st.integers(2, 9), stride=st.integers(0, 8))
    def any_text(text: str, budget: int, stride: int) -> None:
        assume(stride < budget)
        with truncation_side(tokenizer, "right"):
            covered(tokenizer, [text], budget, stride, "right")

    any_text()


def covered(tokenizer: Any, batch: Sequence[str], budget: int, stride: int, side: str) -> None:
    """Compares the windows of some texts, each with `budget` ids of their own, with the expected ones."""
    __tracebackhide__ = True
    found = [layout(tokenizer, text) for text in batch]
    options = {"truncation": True, "max_length": found[0].added + budget, "stride": stride}
    answer = call_or_defect(tokenizer, list(batch), return_overflowing_tokens=True, **options)
    expected = [
        (number, each.joined(window, []))
        for number, each in enumerate(found)
        for window in windows(each.first, budget, stride, side)
    ]
    samples = answer.get("overflow_to_sample_mapping", [0] * len(answer["input_ids"]))
    actual = [(int(sample), list(ids)) for sample, ids in zip(samples, answer["input_ids"], strict=False)]
    if actual != expected:
        where = first_difference(actual, expected)
        raise Defect(
            f"The windows of a long text do not follow the stride of {stride}: {deviation(actual, expected, where)}.",
            evidence=case(
                tokenizer,
                batch[0],
                found[0].first,
                options=options,
                side=side,
                window=where,
                actual=actual[where : where + 3],
                expected=expected[where : where + 3],
            ),
        )


def deviation(actual: list[tuple[int, list[int]]], expected: list[tuple[int, list[int]]], where: int) -> str:
    if len(actual) != len(expected):
        return f"there are {len(actual)} windows instead of {len(expected)}"
    if actual[where][1] == expected[where][1]:
        return f"window {where} is assigned to the wrong text"
    return f"window {where} has the wrong ids"


def windows(ids: list[int], budget: int, stride: int, side: str) -> list[list[int]]:
    """Pieces of `budget` ids that share `stride` ids with the next one; truncation keeps the first."""
    if side == "left":
        return [piece[::-1] for piece in windows(ids[::-1], budget, stride, "right")]
    starts = range(0, max(1, len(ids) - stride), budget - stride)
    return [ids[start : start + budget] for start in starts]
