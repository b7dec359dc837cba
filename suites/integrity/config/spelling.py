"""Keys that are nearly the name of another."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection

SHORTEST = 6
LONG = 16


def near_miss(key: str, known: Collection[str]) -> str | None:
    """The known key that this one was meant to be; None where none is so near that it must be a slip.

    One letter may be wrong, left out, too many or swapped with the next, two of them in a long key.
    """
    plain = _plain(key)
    alike = [other for other in known if _plain(other) == plain]
    if alike:
        return alike[0]
    allowed = 2 if len(key) >= LONG else 1
    close = [(distance(plain, _plain(other)), other) for other in known if min(len(key), len(other)) >= SHORTEST
             and abs(len(key) - len(other)) <= allowed and _numbers(key) == _numbers(other)]  # fmt: skip
    best = min(close, default=None)
    return best[1] if best and best[0] <= allowed else None


def distance(one: str, two: str) -> int:
    """Letters that are wrong, left out, too many, or swapped (optimal string alignment)."""
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
    """Without what the eye does not see: case, dashes, compatibility forms, Cyrillic and Greek look-alikes."""
    return unicodedata.normalize("NFKC", key).translate(LOOK_ALIKES).replace("-", "_").strip().casefold()


def _numbers(key: str) -> str:
    """`mlp_1` is no slip of `mlp_2`."""
    return "".join(letter for letter in key if letter.isdigit())


LOOK_ALIKES = str.maketrans("аеорсухіѕһοαε", "aeopcyxishoae")
