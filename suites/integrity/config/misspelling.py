"""Misspelled keys, found by their edit distance from known ones."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection

MIN_LENGTH = 6
"""Letters of a key; shorter ones are too easily similar by chance."""
LONG_KEY = 16
"""Letters from which on two mistakes are accepted."""


def near_miss(key: str, known: Collection[str]) -> str | None:
    """Returns the known key that `key` is probably a misspelling of, or None.

    One letter may be wrong, missing, extra or swapped with its neighbour; in a long key, two.
    """
    plain = _plain(key)
    alike = [other for other in known if _plain(other) == plain]
    if alike:
        return alike[0]
    allowed = 2 if len(key) >= LONG_KEY else 1
    close = [
        (distance(plain, _plain(other)), other)
        for other in known
        if min(len(key), len(other)) >= MIN_LENGTH
        and abs(len(key) - len(other)) <= allowed
        and _digits(key) == _digits(other)
    ]
    best = min(close, default=None)
    return best[1] if best and best[0] <= allowed else None


def distance(one: str, two: str) -> int:
    """Edit distance: letters that are wrong, missing, extra or swapped (optimal string alignment)."""
    rows = [list(range(len(two) + 1))]
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(two, 1):
            best = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == two[j - 2] and one[i - 2] == b:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]


def _plain(key: str) -> str:
    """The key without case, dashes, compatibility characters and Cyrillic or Greek look-alikes."""
    return unicodedata.normalize("NFKC", key).translate(LOOK_ALIKES).replace("-", "_").strip().casefold()


def _digits(key: str) -> str:
    """The digits of a key: `mlp_1` is not a misspelling of `mlp_2`."""
    return "".join(letter for letter in key if letter.isdigit())


LOOK_ALIKES = str.maketrans("аеорсухіѕһοαε", "aeopcyxishoae")
