"""Signs of a broken model in an answer: loops, wrong script, visible control tokens."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

LONGEST_CYCLE = 16
REPEATS = 3
"""Times that a cycle must occur in a row at the end of an answer to be a loop."""
MIN_LOOP = 12
"""Tokens of a loop in total; shorter ones may be a row of dots or dashes."""
MIN_LETTERS = 4


def loop(ids: Sequence[int]) -> int:
    """Returns the length of the loop at the end, in ids; 0 if there is none."""
    longest = 0
    for period in range(1, LONGEST_CYCLE + 1):
        same = 0
        while same + period < len(ids) and ids[-1 - same] == ids[-1 - same - period]:
            same += 1
        if same >= (REPEATS - 1) * period:
            longest = max(longest, same + period)
    return longest if longest >= MIN_LOOP else 0


def wrong_script(text: str, scripts: Sequence[str]) -> bool:
    """True if most letters of a text belong to none of these scripts."""
    letters = [each for each in text if each.isalpha()]
    own = sum(unicodedata.name(each, "?").split(" ")[0] in scripts for each in letters)
    return len(letters) >= MIN_LETTERS and 2 * own < len(letters)


def leaked(tokenizer: Any, ids: Sequence[int], stops: Sequence[int]) -> list[str]:
    """Returns the control tokens among the ids that decoding leaves in the text although it skips special tokens.

    Control tokens are the tokenizer's special tokens, and stop tokens that were added to the vocabulary.
    """
    added = tokenizer.added_tokens_decoder
    control = {*tokenizer.all_special_ids, *(each for each in stops if each in added)}
    shown = {each: tokenizer.decode([each], skip_special_tokens=True).strip() for each in control & set(ids)}
    return sorted(text for text in shown.values() if text)


def spelled_out(tokenizer: Any, text: str) -> list[str]:
    """Returns the special tokens that occur in a text as ordinary characters."""
    special = {str(token) for token in tokenizer.all_special_tokens}
    special |= {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    return sorted(token for token in special if len(token.strip()) > 1 and token in text)
