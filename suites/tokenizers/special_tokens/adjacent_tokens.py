"""Texts in which special tokens stand directly next to each other, and the ids that they must become."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

FAMILY_MEMBERS = 3
"""Tokens that are tried of those that differ only in a number: the first ones and the last one."""


def thin_families(texts: Sequence[str]) -> list[str]:
    """The texts, with only a few of those that differ in a number."""
    families: defaultdict[str, list[str]] = defaultdict(list)
    for text in texts:
        families[re.sub(r"\d+", "0", text)].append(text)
    chosen = {each for family in families.values() for each in (*family[: FAMILY_MEMBERS - 1], family[-1])}
    return [text for text in texts if text in chosen]


def de_bruijn_sequence(count: int) -> list[int]:
    """Numbers below `count` in an order in which every ordered pair occurs once side by side.

    This is a de Bruijn sequence of order two: `count * count` numbers, and the first one again.
    """
    sequence: list[int] = []
    for first in range(count):
        sequence.append(first)
        for second in range(first + 1, count):
            sequence += [first, second]
    return [*sequence, 0] if sequence else []


def longest_matches(text: str, tokens: Sequence[str]) -> Iterator[str]:
    """The tokens in a text, from the left, the longest match at each position."""
    pattern = re.compile("|".join(map(re.escape, sorted(tokens, key=len, reverse=True))))
    for match in pattern.finditer(text):
        yield match.group()
