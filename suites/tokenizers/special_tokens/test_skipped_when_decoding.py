from __future__ import annotations

from typing import Any

from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.evidence import escaped, tokens
from suites.findings import Defect, NotApplicable
from suites.tokenizers.encoding import encode
from suites.tokenizers.special import control_tokens

SINGLE_CALLS = 24


@needs("marks_in_text")
@uses("text")
def test_skipped_when_decoding(subject: Subject, tokenizer: Any) -> None:
    """decode(ids, skip_special_tokens=True) removes every special token and keeps all other text.

    Why: answers are decoded this way, so users see special tokens that remain and miss text that is removed.
    Fix: Set special: true for control tokens and special: false for text tokens in added_tokens of tokenizer.json.
    Source: https://huggingface.co/docs/transformers/main_classes/tokenizer;
        https://github.com/huggingface/transformers/issues/24511
    """
    left, right = encode(tokenizer, "ab, c"), encode(tokenizer, " de! fg")
    flagged = list(control_tokens(subject, tokenizer).values())
    plain = [number for number in tokenizer.added_tokens_decoder if number not in set(flagged)]
    tried = [[*left, number, *right] for number in flagged]
    if not left or not right or tokenizer.unk_token_id in [*left, *right]:
        raise NotApplicable("the vocabulary cannot spell 'ab, c' and ' de! fg', the text that has to remain")
    if not tried and not plain:
        raise NotApplicable("the tokenizer has no added tokens")
    if tried:
        check_removed(tokenizer, tried, left + right)
    if plain:
        check_kept(tokenizer, [[*left, number, *right] for number in plain])


def check_removed(tokenizer: Any, tried: list[list[int]], rest: list[int]) -> None:
    """Raises Defect if a special token inside a text is not removed, or changes the text around it."""
    __tracebackhide__ = True
    expected = tokenizer.decode(rest)
    batch = tokenizer.batch_decode(tried, skip_special_tokens=True)
    single = [tokenizer.decode(ids, skip_special_tokens=True) for ids in tried[:SINGLE_CALLS]]
    for method, texts in (("decode", single), ("batch_decode", batch)):
        for ids, text in zip(tried, texts, strict=False):
            if text != expected:
                token = added_token(tokenizer, ids)
                what = f"keeps the special token {token}" if token in text else f"changes the text next to {token}"
                raise Defect(
                    f"{method} with skip_special_tokens=True {what}.", evidence=shown(tokenizer, ids, expected, text)
                )


def check_kept(tokenizer: Any, tried: list[list[int]]) -> None:
    """Raises Defect if a token that is not flagged special is removed."""
    __tracebackhide__ = True
    whole = tokenizer.batch_decode(tried)
    skipped = tokenizer.batch_decode(tried, skip_special_tokens=True)
    for ids, expected, text in zip(tried, whole, skipped, strict=True):
        if text != expected:
            token = added_token(tokenizer, ids)
            raise Defect(
                f"decode with skip_special_tokens=True removes {token}, which is not flagged special.",
                evidence=shown(tokenizer, ids, expected, text),
            )


def added_token(tokenizer: Any, ids: list[int]) -> str:
    """The one added token among the ids of a text."""
    strings, added = tokens(tokenizer, ids), {*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder}
    return next((str(token) for token, number in zip(strings, ids, strict=True) if number in added), "")


def shown(tokenizer: Any, ids: list[int], expected: str, actual: str) -> dict[str, Any]:
    return {"ids": ids, "tokens": tokens(tokenizer, ids), "expected": escaped(expected), "actual": escaped(actual)}
