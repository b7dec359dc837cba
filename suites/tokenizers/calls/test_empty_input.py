from __future__ import annotations

from typing import Any

from fixtures.session.uses import uses
from suites.evidence import tokens
from suites.findings import Defect, Record
from suites.tokenizers.calls.layout import layout
from suites.tokenizers.checked_calls import call_or_defect, call_or_skip


@uses("text")
def test_empty_input(tokenizer: Any, record: Record) -> None:
    """An empty text gives only the special tokens that every text gets, also between other texts in a batch.

    Why: data often has empty fields; an error stops the job, and an extra token becomes input of the model.
    Fix: Restore normalizer and pre_tokenizer of tokenizer.json from the original model; do not strip or replace empty
        texts in a custom class.
    Source: https://huggingface.co/docs/transformers/main_classes/tokenizer
    """
    record.capability("tokenizer.empty_batch", empty_batch(tokenizer))
    usual = layout(tokenizer, "hello")
    call_or_defect(tokenizer, "")
    expected = usual.joined([], [])
    compare(tokenizer, list(call_or_skip(tokenizer, "")["input_ids"]), expected, "An empty text")
    compare(tokenizer, list(tokenizer.encode("", add_special_tokens=False)), [], "An empty text without special tokens")
    batch = call_or_defect(tokenizer, ["", "hello", ""])["input_ids"]
    for number, ids in enumerate([expected, usual.joined(usual.first, []), expected]):
        compare(tokenizer, list(batch[number]), ids, f"Row {number} of a batch with empty texts")
    if text := tokenizer.decode([]):
        raise Defect(f"Decoding no ids gives the text {text!a}.", evidence={"text": ascii(text)})


def compare(tokenizer: Any, actual: list[int], expected: list[int], what: str) -> None:
    __tracebackhide__ = True
    if actual != expected and not adds_only_space_mark(tokenizer, actual, expected):
        strings, expected_strings = tokens(tokenizer, actual), tokens(tokenizer, expected)
        raise Defect(
            f"{what} gives the tokens {strings} instead of {expected_strings}.",
            evidence={"ids": actual, "expected": expected, "tokens": strings},
        )


def adds_only_space_mark(tokenizer: Any, actual: list[int], expected: list[int]) -> bool:
    """True if only the space mark is added, which some classes in Python put before every text."""
    mark = tokenizer.convert_tokens_to_ids("▁")
    return not getattr(tokenizer, "is_fast", False) and [each for each in actual if each != mark] == expected


def empty_batch(tokenizer: Any) -> str:
    """Result of a call with an empty list."""
    try:
        return f"gives {len(tokenizer([])['input_ids'])} rows"
    except Exception as error:
        return f"raises {type(error).__name__}"
