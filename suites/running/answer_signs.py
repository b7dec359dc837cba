"""Signs of trouble in an answer, read from its ids and its text."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

LONGEST_CYCLE = 16
REPEATS = 3
"""A cycle that comes three times in a row, at the very end of an answer that does not stop, is a loop ..."""
LOOP = 12
"""... when it is at least so many tokens long in all: dots and dashes in a row are none."""
FEWEST_LETTERS = 4


def loop(ids: Sequence[int]) -> int:
    """How many ids at the end are one cycle again and again; 0 for none."""
    longest = 0
    for period in range(1, LONGEST_CYCLE + 1):
        same = 0
        while same + period < len(ids) and ids[-1 - same] == ids[-1 - same - period]:
            same += 1
        if same >= (REPEATS - 1) * period:
            longest = max(longest, same + period)
    return longest if longest >= LOOP else 0


def wrong_script(text: str, scripts: Sequence[str]) -> bool:
    """Whether most letters of a text belong to none of these scripts."""
    letters = [each for each in text if each.isalpha()]
    own = sum(unicodedata.name(each, "?").split(" ")[0] in scripts for each in letters)
    return len(letters) >= FEWEST_LETTERS and 2 * own < len(letters)


def leaked(tokenizer: Any, ids: Sequence[int], stops: Sequence[int]) -> list[str]:
    """Control tokens among the ids that a user sees, although special tokens are left out of the text.

    Control tokens are those that the tokenizer calls special, and stop tokens that are not words of the vocabulary.
    """
    added = tokenizer.added_tokens_decoder
    control = {*tokenizer.all_special_ids, *(each for each in stops if each in added)}
    shown = {each: tokenizer.decode([each], skip_special_tokens=True).strip() for each in control & set(ids)}
    return sorted(text for text in shown.values() if text)


def written(tokenizer: Any, text: str) -> list[str]:
    """Special tokens that stand in a text, spelled out."""
    special = {str(token) for token in tokenizer.all_special_tokens}
    special |= {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    return sorted(token for token in special if len(token.strip()) > 1 and token in text)
