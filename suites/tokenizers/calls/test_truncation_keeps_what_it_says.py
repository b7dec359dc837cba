from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fixtures.inputs.texts import texts
from fixtures.session.uses import uses
from suites.findings import Defect, Finding
from suites.tokenizers.calls.layout import Layout, layout
from suites.tokenizers.checked_calls import call_or_defect, takes_pairs, truncation_side
from suites.tokenizers.evidence import case

LONG = "The quick brown fox jumps over the lazy dog, and one, two, three more."
SHORT = "A shorter second text."
SIDES = ("right", "left")
PAIRS = ((LONG, SHORT), (SHORT, LONG), (LONG, LONG))


@uses("text")
def test_truncation_keeps_what_it_says(tokenizer: Any) -> None:
    """A truncated call has exactly max_length ids: the special tokens, and the part of the text on the side to keep.

    Why: a prompt that loses its question or its special tokens still gets an answer, but to something else.
    Fix: Set "truncation" to null in tokenizer.json; do not change truncated ids in a custom class.
    Source: https://huggingface.co/docs/transformers/pad_truncation
    """
    for side in SIDES:
        with truncation_side(tokenizer, side):
            single(tokenizer, LONG, side, 3)
            for one, other in PAIRS if takes_pairs(tokenizer) else ():
                for strategy in ("longest_first", "only_first", "only_second"):
                    pair(tokenizer, one, other, side, strategy)

    @given(text=texts(min_size=1, max_size=3), side=st.sampled_from(SIDES), budget=st.integers(1, 12))
    def any_text(text: str, side: str, budget: int) -> None:
        with truncation_side(tokenizer, side):
            single(tokenizer, text, side, budget)

    any_text()


def single(tokenizer: Any, text: str, side: str, budget: int) -> None:
    """Checks one text, with `budget` ids of its own."""
    __tracebackhide__ = True
    found = layout(tokenizer, text)
    actual = list(call_or_defect(tokenizer, text, truncation=True, max_length=found.added + budget)["input_ids"])
    if actual != found.joined(truncated(found.first, budget, side), []):
        raise wrong(tokenizer, text, actual, found, found.joined(truncated(found.first, budget, side), []), side, "")


def pair(tokenizer: Any, text: str, other: str, side: str, strategy: str) -> None:
    """Checks a pair that a strategy truncates to two thirds of its length."""
    __tracebackhide__ = True
    found = layout(tokenizer, text, other)
    total = len(found.first) + len(found.second)
    budget = total - min(total // 3, len(found.first) - 1, len(found.second) - 1)
    actual = list(
        call_or_defect(tokenizer, text, other, truncation=strategy, max_length=found.added + budget)["input_ids"]
    )
    fitting = [
        found.joined(truncated(found.first, first, side), truncated(found.second, budget - first, side))
        for first in shares(len(found.first), len(found.second), budget, strategy)
    ]
    if actual not in fitting:
        raise wrong(tokenizer, f"{text} | {other}", actual, found, fitting[0], side, f" by {strategy}")


def shares(first: int, second: int, budget: int, strategy: str) -> list[int]:
    """Numbers of ids of the first text that may remain of a pair of these lengths."""
    if strategy == "only_first":
        return [budget - second]
    if strategy == "only_second":
        return [first]
    if 2 * min(first, second) <= budget:  # the shorter one stays whole
        return [first if first <= second else budget - second]
    return [budget // 2, budget - budget // 2]


def truncated(ids: list[int], budget: int, side: str) -> list[int]:
    return ids[:budget] if side == "right" else ids[max(0, len(ids) - budget) :]


def wrong(
    tokenizer: Any, text: str, actual: list[int], found: Layout, expected: list[int], side: str, how: str
) -> Finding:
    """Describes a wrong result: its length, or the part of the text that remains."""
    if len(actual) != len(expected):
        what = f"returns {len(actual)} ids instead of {len(expected)}"
    elif side == "right" and actual == found.joined(truncated(found.first, len(actual) - found.added, "left"), []):
        what = "keeps the end and not the beginning"
    elif side == "left" and actual == found.joined(truncated(found.first, len(actual) - found.added, "right"), []):
        what = "keeps the beginning and not the end"
    else:
        what = "keeps other ids than those at that end of the text"
    return Defect(
        f"A call with truncation on the {side}{how} {what}.",
        evidence=case(tokenizer, text, actual, expected=expected, side=side),
    )
