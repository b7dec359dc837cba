"""What a tokenizer puts around the ids of a text, or between those of a pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fixtures.text.differences import position
from suites.findings import Unsupported
from suites.tokenizers.calls.calling import plain
from suites.tokenizers.special import encode


@dataclass(frozen=True)
class Parts:
    """Ids of a call: `before`, those of the text, `between`, those of the pair, `after`."""

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


def parts(tokenizer: Any, text: str, pair: str | None = None) -> Parts:
    """The parts of a call; raises Unsupported where a text's ids depend on what stands around it."""
    __tracebackhide__ = True
    first, second = encode(tokenizer, text), encode(tokenizer, pair) if pair is not None else []
    whole = list(plain(tokenizer, text, pair)["input_ids"])
    start = place(whole, first, 0)
    middle = start + len(first)
    other = place(whole, second, middle) if pair is not None else len(whole)
    if pair is None:
        return Parts(whole[:start], first, [], [], whole[middle:])
    return Parts(whole[:start], first, whole[middle:other], second, whole[other + len(second) :])


def place(whole: list[int], part: list[int], start: int) -> int:
    """Where some ids stand in others, from `start` on."""
    __tracebackhide__ = True
    found = position(whole, part, start)
    if found is None:
        raise Unsupported(
            "a text's ids change with the special tokens around it: see tokenizers/no-space-after-special"
        )
    return found
