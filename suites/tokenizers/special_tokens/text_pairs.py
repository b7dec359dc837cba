"""What a tokenizer adds to a pair of texts, and the masks that tell it."""

from __future__ import annotations

from typing import Any

from fixtures.text.differences import position
from suites.evidence import tokens
from suites.findings import Defect, Unsupported
from suites.tokenizers.encoding import encode

PAIR = ("hello", "big world")


def takes_pairs(tokenizer: Any) -> bool:
    """Tekken and some classes in Python encode single texts only."""
    try:
        return bool(tokenizer(*PAIR)["input_ids"])
    except Exception:
        return False


def check_pairs(tokenizer: Any, declared: dict[str, Any]) -> None:
    """Count, mask and flags for a pair; Unsupported where the texts' ids change with what stands around them."""
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
        raise Unsupported("the ids of two texts change in a pair: what is added to it cannot be told from them")
    own = {*range(start, start + len(first)), *range(then, then + len(second))}
    return [0 if index in own else 1 for index in range(len(whole))]


def check_count(tokenizer: Any, added: list[int]) -> None:
    __tracebackhide__ = True
    promised, ids = tokenizer.num_special_tokens_to_add(pair=True), list(tokenizer(*PAIR)["input_ids"])
    if promised != sum(added):
        raise Defect(
            f"num_special_tokens_to_add(pair=True) says {promised}, and {sum(added)} are added to a pair: truncation "
            "cuts it at the wrong place.",
            evidence={
                "texts": list(PAIR),
                "expected": promised,
                "actual": sum(added),
                "tokens": tokens(tokenizer, ids),
            },
        )


def check_mask(tokenizer: Any, texts: tuple[str, ...], expected: list[int]) -> None:
    __tracebackhide__ = True
    encoding = tokenizer(*texts, return_special_tokens_mask=True)
    ids, mask = list(encoding["input_ids"]), list(encoding["special_tokens_mask"])
    if mask != expected:
        what = "a pair" if len(texts) > 1 else "a text"
        raise Defect(
            f"special_tokens_mask of {what} does not mark the special tokens that the tokenizer adds.",
            evidence={"tokens": tokens(tokenizer, ids), "expected": expected, "actual": mask},
        )


def check_mask_of_ids(tokenizer: Any, ids: list[int], expected: list[int]) -> None:
    """The mask that data collators ask for; it goes by the ids, so an id of the text may be special too."""
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
            f"{'misses' if missing else 'marks'} {', '.join(map(str, names))}: masked language modelling and packing "
            f"{'treat it as text' if missing else 'leave it out'}.",
            evidence={"ids": ids, "tokens": tokens(tokenizer, ids), "expected": expected, "actual": mask},
        )


def refuse_random(ids: list[int], check_flags: list[int]) -> None:
    """What one call gave tells nothing about the ids of another where they differ."""
    __tracebackhide__ = True
    if len(ids) != len(check_flags):
        raise Unsupported("texts get other ids in every call: see tokenizers/agrees-with-tokenizer-json")


def check_flags(tokenizer: Any, declared: dict[str, Any], added: list[int]) -> None:
    """A flag that is false holds for both texts of a pair; one that is true holds for the first at least."""
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
            f"tokenizer_config.json declares add_{name}_token: {str(flag).lower()}, and the loaded "
            f"{type(tokenizer).__name__} {does} to a pair of texts.",
            evidence={"texts": list(PAIR), "ids": ids, "tokens": tokens(tokenizer, ids)},
        )
