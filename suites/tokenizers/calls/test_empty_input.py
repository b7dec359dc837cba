from __future__ import annotations

from typing import Any

from suites.evidence import tokens
from suites.findings import Defect, Record
from suites.tokenizers.calls.checked_calls import call_or_defect, call_or_skip
from suites.tokenizers.calls.layout import layout


def test_empty_input(tokenizer: Any, record: Record) -> None:
    """An empty text gives only the special tokens that every text gets, also between others in a batch.

    Why: empty fields are common in data; an error stops a job, an invented token becomes input of the model.
    Fix: Restore normalizer and pre_tokenizer of tokenizer.json from the original model; a class of your own must
        not strip or replace empty texts.
    Source: https://huggingface.co/docs/transformers/main_classes/tokenizer
    """
    record.capability("tokenizer.empty_batch", empty_batch(tokenizer))
    frame = layout(tokenizer, "hello")
    call_or_defect(tokenizer, "")
    expected = frame.joined([], [])
    found(tokenizer, list(call_or_skip(tokenizer, "")["input_ids"]), expected, "An empty text")
    found(tokenizer, list(tokenizer.encode("", add_special_tokens=False)), [], "An empty text without special tokens")
    batch = call_or_defect(tokenizer, ["", "hello", ""])["input_ids"]
    for number, ids in enumerate([expected, frame.joined(frame.first, []), expected]):
        found(tokenizer, list(batch[number]), ids, f"Row {number} of a batch with empty texts")
    if text := tokenizer.decode([]):
        raise Defect(f"Decoding no ids gives the text {text!a}.", evidence={"text": ascii(text)})


def found(tokenizer: Any, actual: list[int], expected: list[int], what: str) -> None:
    __tracebackhide__ = True
    if actual != expected and not only_the_mark(tokenizer, actual, expected):
        given, added = tokens(tokenizer, actual), tokens(tokenizer, expected)
        raise Defect(
            f"{what} gives the tokens {given} where {added} are always added.",
            evidence={"ids": actual, "expected": expected, "tokens": tokens(tokenizer, actual)},
        )


def only_the_mark(tokenizer: Any, actual: list[int], expected: list[int]) -> bool:
    """Whether all that came besides is the space mark, which some classes in Python put before every text."""
    mark = tokenizer.convert_tokens_to_ids("▁")
    return not getattr(tokenizer, "is_fast", False) and [each for each in actual if each != mark] == expected


def empty_batch(tokenizer: Any) -> str:
    """What a call without any text does."""
    try:
        return f"gives {len(tokenizer([])['input_ids'])} rows"
    except Exception as error:
        return f"raises {type(error).__name__}"
