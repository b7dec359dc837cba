"""Text that one render has and another one has not."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from fixtures.text.differences import first_difference

ADDRESS = re.compile(r"https?://\S+|\bwww\.\S+|[\w.+-]+@[\w-]+\.\w{2,}")
ENCODED = re.compile(r"[A-Za-z0-9+/]{32,}={0,2}")
"""Strings that may be an address in Base64."""
WORD = re.compile(r"[^\W\d_]{2,}")
PIECE = re.compile(r"\s+|[^\W_]+|\S")
SPAN = 4000
"""Most pieces that are compared one by one; longer differences are taken as a whole."""


def added(base: str, text: str, word: str) -> str:
    """The part of `text` that is not in `base` and has new words or links, apart from `word`; '' for none."""
    start = first_difference(base, text)
    end = first_difference(base[start:][::-1], text[start:][::-1])
    while start and text[start - 1].isalnum():  # whole words only
        start -= 1
    while end and text[len(text) - end].isalnum():
        end -= 1
    before, after = base[start : len(base) - end], text[start : len(text) - end]
    if not new_words(after, f"{word} {before}") and not _new_link(after, word + base):
        return ""
    runs = [
        run for run in _inserted(before, after) if new_words(run, f"{word} {before}") or _new_link(run, word + base)
    ]
    return " … ".join(dict.fromkeys(run.strip() for run in runs))


def links(text: str) -> list[str]:
    """Addresses, and strings that may be one in Base64, in their order."""
    found = list(ADDRESS.finditer(text)) if any(mark in text for mark in ("://", "www.", "@")) else []
    inside = [(each.start(), each.end()) for each in found]
    encoded = [each for each in ENCODED.finditer(text) if not any(a <= each.start() < b for a, b in inside)]
    return [each.group() for each in sorted((*found, *encoded), key=lambda each: each.start())]


def new_words(text: str, known: str) -> list[str]:
    """Words of letters that are not in `known`."""
    seen = set(WORD.findall(known))
    return [each for each in WORD.findall(text) if each not in seen]


def _new_link(text: str, known: str) -> bool:
    return any(link not in known for link in links(text))


def _inserted(before: str, after: str) -> list[str]:
    left, right = PIECE.findall(before), PIECE.findall(after)
    if len(left) > SPAN or len(right) > SPAN:
        return [after]
    changes = SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
    return ["".join(right[start:end]) for kind, _, _, start, end in changes if kind in ("insert", "replace")]


def between(left: str, right: str) -> tuple[str, str]:
    """The parts of two texts between their common beginning and end, in whole words."""
    start = first_difference(left, right)
    end = min(first_difference(left[::-1], right[::-1]), len(left) - start, len(right) - start)
    while start and left[start - 1].isalnum():
        start -= 1
    while end and left[len(left) - end].isalnum():
        end -= 1
    return left[start : len(left) - end], right[start : len(right) - end]
