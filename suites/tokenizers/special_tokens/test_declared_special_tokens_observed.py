from __future__ import annotations

from typing import Any

from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.evidence import tokens
from suites.findings import Blocked, Defect, Record
from suites.tokenizers.encoding import IDS_CHANGE, NO_SPACE, Frame, frame
from suites.tokenizers.special_tokens.text_pairs import check_mask, check_mask_of_ids, check_pairs, takes_pairs


@uses("text")
def test_declared_special_tokens_observed(subject: Subject, tokenizer: Any, record: Record) -> None:
    """BOS and EOS are added as add_bos_token and add_eos_token declare; counts and masks agree, also for pairs.

    Why: a missing BOS silently costs quality, and an unwanted EOS tells the model that the text is over.
    Fix: Make post_processor in tokenizer.json agree with the two flags in tokenizer_config.json.
    Source: https://github.com/huggingface/transformers/issues/47988;
        https://github.com/huggingface/transformers/pull/44618
    """
    found = frame(tokenizer)
    if found is None:
        raise Blocked(NO_SPACE, IDS_CHANGE)
    record.capability("tokenizer.added_special_tokens", ", ".join(map(str, shown(tokenizer, found))) or "nothing")
    declared = subject.json("tokenizer_config.json")
    check_flag(tokenizer, declared, "bos", found.before)
    check_flag(tokenizer, declared, "eos", found.after)
    check_count(tokenizer, found)
    check_masks(tokenizer, found)
    pairs = takes_pairs(tokenizer)
    record.capability("tokenizer.text_pairs", "supported" if pairs else "not supported")
    if pairs:
        check_pairs(tokenizer, declared)


def shown(tokenizer: Any, found: Frame) -> list[str | None]:
    if not found.before + found.after:
        return []
    return [*tokens(tokenizer, found.before), "…", *tokens(tokenizer, found.after)]


def check_flag(tokenizer: Any, declared: dict[str, Any], name: str, added: list[int]) -> None:
    """Compares an explicit flag with the added tokens."""
    __tracebackhide__ = True
    flag, expected = declared.get(f"add_{name}_token"), getattr(tokenizer, f"{name}_token_id")
    if flag is None or expected is None or bool(flag) == (expected in added):
        return
    token = tokenizer.convert_ids_to_tokens(expected)
    does = "adds none" if flag else f"adds {token}"
    raise Defect(
        f"tokenizer_config.json declares add_{name}_token: {str(flag).lower()}, but the loaded "
        f"{type(tokenizer).__name__} {does}.",
        evidence={
            "text": "hello",
            "ids": tokenizer("hello")["input_ids"],
            f"{name} id": expected,
            "token": token,
            "tokens": tokens(tokenizer, tokenizer("hello")["input_ids"]),
        },
    )


def check_count(tokenizer: Any, found: Frame) -> None:
    __tracebackhide__ = True
    declared, actual = tokenizer.num_special_tokens_to_add(), len(found.before) + len(found.after)
    if declared != actual:
        raise Defect(
            f"num_special_tokens_to_add is {declared}, but {actual} are added: truncation cuts at the wrong position.",
            evidence={"expected": declared, "actual": actual, "tokens": shown(tokenizer, found)},
        )


def check_masks(tokenizer: Any, found: Frame) -> None:
    ids = list(tokenizer("hello")["input_ids"])
    middle = len(ids) - len(found.before) - len(found.after)
    expected = [1] * len(found.before) + [0] * middle + [1] * len(found.after)
    check_mask(tokenizer, ("hello",), expected)
    check_mask_of_ids(tokenizer, ids, expected)
