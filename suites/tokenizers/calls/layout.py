"""Layout of a call's ids: those of the texts, and the special tokens before, between and after them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fixtures.text.differences import position
from suites.findings import Blocked
from suites.tokenizers.checked_calls import call_or_skip
from suites.tokenizers.encoding import IDS_CHANGE, NO_SPACE, encode


@dataclass(frozen=True)
class Layout:
    """Ids of a call in order: added ones (`before`, `between`, `after`) and those of the two texts."""

    before: list[int]
    first: list[int]
    between: list[int]
    second: list[int]
    after: list[int]

    @property
    def added(self) -> int:
        return len(self.before) + len(self.between) + len(self.after)

    def joined(self, first: list[int], second: list[int]) -> list[int]:
        return [*self.before, *first, *self.between, *second, *self.after]


def layout(tokenizer: Any, text: str, pair: str | None = None) -> Layout:
    """The layout of a call; Blocked if the ids of a text depend on what stands around it."""
    __tracebackhide__ = True
    first, second = encode(tokenizer, text), encode(tokenizer, pair) if pair is not None else []
    whole = list(call_or_skip(tokenizer, text, pair)["input_ids"])
    start = find_ids(whole, first, 0)
    middle = start + len(first)
    if pair is None:
        return Layout(whole[:start], first, [], [], whole[middle:])
    other = find_ids(whole, second, middle)
    return Layout(whole[:start], first, whole[middle:other], second, whole[other + len(second) :])


def find_ids(whole: list[int], part: list[int], start: int) -> int:
    """Position of some ids in others, from `start` on."""
    __tracebackhide__ = True
    found = position(whole, part, start)
    if found is None:
        raise Blocked(NO_SPACE, IDS_CHANGE)
    return found
