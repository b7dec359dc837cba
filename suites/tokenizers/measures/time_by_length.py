"""Processor time of encoding by the length of the text."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from suites.tokenizers.encoding import panics_as_errors
from suites.tokenizers.measures.throughput import processor_seconds

FIRST, STRIDE = 64, 8
LONGEST = {"quick": 32_768, "standard": 32_768, "exhaustive": 262_144}
"""Longest text in characters, by profile: the first length times a power of the stride."""

BUSY = 0.05
"""Seconds of processor time from which lengths only double, so that exponential growth ends early."""

MakeText = Callable[[int], str]


def _random_letters(length: int) -> str:
    return "".join(random.Random(0).choices("etaoinshrdlucmf", k=length))


def _random_words(length: int) -> str:
    return "".join(random.Random(1).choices("etaoinshrdlucmf      \n.,", k=length))


TEXT_KINDS: dict[str, MakeText] = {
    "one letter": lambda length: "a" * length,
    "spaces": lambda length: " " * (length - 1) + "x",
    "digits": lambda length: "7" * length,
    "newlines": lambda length: "\n" * (length - 1) + "x",
    "dashes": lambda length: "-" * length,
    "emoji": lambda length: "😀" * length,
    "letters and an exclamation mark": lambda length: "a" * (length - 1) + "!",
    "one Chinese character": lambda length: "好" * length,
    "single letters between spaces": lambda length: "a " * (length // 2),
    "random letters": _random_letters,
    "random words": _random_words,
}


@dataclass
class TimeByLength:
    """Seconds of processor time by length of a text."""

    tokenizer: Any
    make: MakeText
    seconds: dict[int, float] = field(default_factory=dict)

    @classmethod
    def of(cls, tokenizer: Any, make: MakeText, *, longest: int, slow: float) -> TimeByLength:
        """Measures longer and longer texts, until one takes `slow` seconds or the longest is reached."""
        growth, size = cls(tokenizer, make), FIRST
        while growth.measure(size) < BUSY and size * STRIDE <= longest:
            size *= STRIDE
        while BUSY <= growth.seconds[size] < slow and size * 2 <= longest:
            size *= 2
            growth.measure(size)
        return growth

    def measure(self, size: int) -> float:
        """Measures a length once more and keeps the shortest time."""
        text = self.make(size)
        taken = processor_seconds(lambda: self._encode(text))
        self.seconds[size] = min(taken, self.seconds.get(size, taken))
        return self.seconds[size]

    def repeat(self) -> TimeByLength:
        """Measures each of the four deciding lengths two more times, in turns."""
        sizes = [self.length // part for part in (8, 4, 2, 1)]
        for size in [*sizes, *sizes]:
            self.measure(size)
        return self

    def steep(self, *, slow: float, exponent: float) -> bool:
        """True if the longest text is slow and time grows faster than this exponent, also up to half its length."""
        if self.seconds[self.length] < slow:
            return False
        at_half = (1 + exponent) / 2
        return self.exponent(self.length) >= exponent and self.exponent(self.length // 2) >= at_half

    @property
    def length(self) -> int:
        """Length of the longest measured text."""
        return max(self.seconds)

    def exponent(self, size: int) -> float:
        """Exponent of the growth from a quarter of a length to the length."""
        return math.log(self._at(size) / self._at(size // 4), 4)

    def _at(self, size: int) -> float:
        return self.seconds[size] if size in self.seconds else self.measure(size)

    def _encode(self, text: str) -> None:
        try:
            with panics_as_errors():
                self.tokenizer.encode(text, add_special_tokens=False)
        except Exception:  # the time until a refusal counts, too
            return
