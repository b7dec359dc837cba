from __future__ import annotations

from typing import Any

from fixtures.session.uses import uses
from suites.findings import Defect, Record
from suites.tokenizers.checked_calls import (
    SAMPLE_TEXTS,
    call_or_defect,
    call_or_skip,
    check_padding_refused,
    no_pairs,
    takes_pairs,
)
from suites.tokenizers.evidence import case


@uses("text")
def test_padding_changes_nothing_else(tokenizer: Any, record: Record) -> None:
    """Padding adds pad tokens on the requested side, up to the requested length, and the mask hides exactly these.

    Why: a mask that hides text or shows padding silently changes the results of all but the longest row of a batch.
    Fix: Name a pad_token that is in the vocabulary; do not change masks in a custom class.
    Source: https://huggingface.co/docs/transformers/pad_truncation
    """
    record.capability("tokenizer.padding_side", tokenizer.padding_side)
    if tokenizer.pad_token_id is None:
        check_padding_refused(tokenizer)
    else:
        check_padding(tokenizer)


def check_padding(tokenizer: Any) -> None:
    """Checks every kind of padding on both sides, for texts and pairs."""
    __tracebackhide__ = True
    for pairs in (None, list(SAMPLE_TEXTS[::-1])) if takes_pairs(tokenizer) else (None,):
        alone = [
            call_or_skip(tokenizer, *each) for each in zip(SAMPLE_TEXTS, pairs or no_pairs(SAMPLE_TEXTS), strict=True)
        ]
        longest = max(len(each["input_ids"]) for each in alone)
        for side in ("left", "right", None):
            for options, length in padding_options(longest):
                sided = options | ({"padding_side": side} if side else {})
                batch = call_or_defect(tokenizer, list(SAMPLE_TEXTS), pairs, **sided)
                compare(tokenizer, alone, batch, length, side or tokenizer.padding_side, sided)


def padding_options(longest: int) -> list[tuple[dict[str, Any], int]]:
    """Options of a call with the length that they request; some texts are longer than the last one."""
    return [
        ({"padding": True}, longest),
        ({"padding": "longest", "pad_to_multiple_of": 8}, -(-longest // 8) * 8),
        ({"padding": "max_length", "max_length": longest + 3}, longest + 3),
        ({"padding": "max_length", "max_length": 4}, 4),
    ]


def compare(
    tokenizer: Any, alone: list[dict[str, Any]], batch: Any, length: int, side: str, options: dict[str, Any]
) -> None:
    """Compares each row with the call for its text alone, padded by hand."""
    __tracebackhide__ = True
    for number, single in enumerate(alone):
        for key, value in single.items():
            expected, actual = padded(tokenizer, key, list(value), length, side), list(batch[key][number])
            if actual != expected:
                raise Defect(
                    f"Padding on the {side} gives wrong {key}: not those of the text alone with padding added.",
                    evidence=case(
                        tokenizer,
                        SAMPLE_TEXTS[number],
                        single["input_ids"],
                        key=key,
                        expected=expected,
                        actual=actual,
                        options={name: str(each) for name, each in options.items()},
                    ),
                )


def padded(tokenizer: Any, key: str, values: list[int], length: int, side: str) -> list[int]:
    """Values of a text, padded by hand."""
    filler = {"input_ids": tokenizer.pad_token_id, "token_type_ids": tokenizer.pad_token_type_id}
    padding = [filler.get(key, 1 if key == "special_tokens_mask" else 0)] * max(0, length - len(values))
    return [*padding, *values] if side == "left" else [*values, *padding]
