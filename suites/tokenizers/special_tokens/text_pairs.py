"""Special tokens that a tokenizer adds to a pair of texts, and the masks that mark them."""

from __future__ import annotations

from typing import Any

from fixtures.text.differences import position
from suites.evidence import tokens
from suites.findings import Blocked, Defect
from suites.tokenizers.encoding import NO_SPACE, encode

PAIR = ("hello", "big world")


def takes_pairs(tokenizer: Any) -> bool:
    """False for Tekken and for some classes in Python, which encode single texts only."""
    try:
        return bool(tokenizer(*PAIR)["input_ids"])
    except Exception:
        return False


def check_pairs(tokenizer: Any, declared: dict[str, Any]) -> None:
    """Checks count, mask and flags for a pair; Blocked if the ids of the texts change in it."""
    __tracebackhide__ = True
    expected = added_to_pair(tokenizer)
    check_count(tokenizer, expected)
    check_mask(tokenizer, PAIR, expected)
    check_flags(tokenizer, declared, expected)


def added_to_pair(tokenizer: Any) -> list[int]:
    """1 for each added id of a pair, 0 for each id of its texts."""
    __tracebackhide__ = True
    whole = list(tokenizer(*PAIR)["input_ids"])
    first, second = (encode(tokenizer, text) for text in PAIR)
    start = position(whole, first)
    then = position(whole, second, start + len(first)) if start is not None and first and second else None
    if start is None or then is None:
        raise Blocked(NO_SPACE, "the ids of two texts change in a pair, so the added tokens cannot be identified")
    own = {*range(start, start + len(first)), *range(then, then + len(second))}
    return [0 if index in own else 1 for index in range(len(whole))]


def check_count(tokenizer: Any, added: list[int]) -> None:
    __tracebackhide__ = True
    declared, ids = tokenizer.num_special_tokens_to_add(pair=True), list(tokenizer(*PAIR)["input_ids"])
    if declared != sum(added):
        raise Defect(
            f"num_special_tokens_to_add(pair=True) is {declared}, but {sum(added)} are added to a pair, so truncation "
            "cuts it at the wrong position.",
            evidence={
                "texts": list(PAIR),
                "expected": declared,
                "actual": sum(added),
                "tokens": tokens(tokenizer, ids),
            },
        )


def check_mask(tokenizer: Any, texts: tuple[str, ...], expected: list[int]) -> None:
    __tracebackhide__ = True
    encoding = tokenizer(*texts, return_special_tokens_mask=True)
    ids, mask = list(encoding["input_ids"]), list(encoding["special_tokens_mask"])
    if mask != expected:
        kind = "a pair" if len(texts) > 1 else "a text"
        raise Defect(
            f"special_tokens_mask of {kind} does not mark exactly the special tokens that the tokenizer adds.",
            evidence={"tokens": tokens(tokenizer, ids), "expected": expected, "actual": mask},
        )


def check_mask_of_ids(tokenizer: Any, ids: list[int], expected: list[int]) -> None:
    """Checks the mask that data collators use; it goes by ids, so it may also mark special tokens in the text."""
    __tracebackhide__ = True
    refuse_random(ids, expected)
    mask = list(tokenizer.get_special_tokens_mask(ids, already_has_special_tokens=True))
    special = set(tokenizer.all_special_ids)
    missing = [index for index, (flag, found) in enumerate(zip(expected, mask, strict=True)) if flag and not found]
    extra = [index for index, found in enumerate(mask) if found and not expected[index] and ids[index] not in special]
    if missing or extra:
        names = tokens(tokenizer, [ids[index] for index in missing + extra])
        raise Defect(
            "get_special_tokens_mask(already_has_special_tokens=True) "
            f"{'misses' if missing else 'wrongly marks'} {', '.join(map(str, names))}, so masked language modelling "
            f"and packing {'treat it as text' if missing else 'leave it out'}.",
            evidence={"ids": ids, "tokens": tokens(tokenizer, ids), "expected": expected, "actual": mask},
        )


def refuse_random(ids: list[int], check_flags: list[int]) -> None:
    """Blocked if two calls give different numbers of ids."""
    __tracebackhide__ = True
    if len(ids) != len(check_flags):
        raise Blocked("tokenizers/agrees-with-tokenizer-json", "a text gets other ids in every call")


def check_flags(tokenizer: Any, declared: dict[str, Any], added: list[int]) -> None:
    """Checks add_bos_token and add_eos_token: false means no such token in a pair, true at least one."""
    __tracebackhide__ = True
    ids = list(tokenizer(*PAIR)["input_ids"])
    refuse_random(ids, added)
    around = [number for number, flag in zip(ids, added, strict=True) if flag]
    for name in ("bos", "eos"):
        flag, number = declared.get(f"add_{name}_token"), getattr(tokenizer, f"{name}_token_id")
        if flag is None or number is None or bool(flag) == (number in around):
            continue
        does = "adds none" if flag else f"adds {tokenizer.convert_ids_to_tokens(number)}"
        raise Defect(
            f"tokenizer_config.json declares add_{name}_token: {str(flag).lower()}, but the loaded "
            f"{type(tokenizer).__name__} {does} to a pair of texts.",
            evidence={"texts": list(PAIR), "ids": ids, "tokens": tokens(tokenizer, ids)},
        )
