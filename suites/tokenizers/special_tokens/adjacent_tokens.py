"""Every ordered pair of special tokens in one text, and which ids it must become."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

FAMILY_MEMBERS = 3
"""Of tokens that differ only by a number, so many are tried: the first ones and the last one."""


def thin_families(texts: Sequence[str]) -> list[str]:
    """The texts, with families that differ only by a number cut to a few members."""
    families: defaultdict[str, list[str]] = defaultdict(list)
    for text in texts:
        families[re.sub(r"\d+", "0", text)].append(text)
    kept = {each for family in families.values() for each in (*family[: FAMILY_MEMBERS - 1], family[-1])}
    return [text for text in texts if text in kept]


def de_bruijn_sequence(count: int) -> list[int]:
    """A circle of numbers below `count`, opened, in which every ordered pair stands side by side once.

    That is a de Bruijn sequence of order two: `count * count` numbers, and the first one again.
    """
    sequence: list[int] = []
    for first in range(count):
        sequence.append(first)
        for second in range(first + 1, count):
            sequence += [first, second]
    return [*sequence, 0] if sequence else []


def longest_matches(text: str, tokens: Sequence[str]) -> Iterator[str]:
    """The tokens in a text that is made of tokens: from the left, the longest at each place."""
    pattern = re.compile("|".join(map(re.escape, sorted(tokens, key=len, reverse=True))))
    for match in pattern.finditer(text):
        yield match.group()
