"""Comparison of a tokenizer with an independent encoder: the smallest text whose ids differ, with evidence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from weakref import WeakKeyDictionary

from fixtures.inputs import tokenizer_corpus
from fixtures.inputs.texts import TRICKY_TEXTS
from fixtures.text.differences import first_difference
from suites.evidence import escaped, tokens
from suites.tokenizers.encoding import encode
from suites.tokenizers.rules import rule_behind, steps
from suites.tokenizers.tokenization_pipeline import component_state, pipeline

_ADDED: WeakKeyDictionary[Any, Callable[[str], object]] = WeakKeyDictionary()

Encode = Callable[[str], list[int]]

UNITS = "'The' eBay, 'Sea' and mL; 5 mL of NaOH at pH 7"
"""A text that shows differences between patterns of published tokenizers: huggingface/transformers#42299."""


@dataclass(frozen=True)
class Mismatch:
    """A short text whose ids differ, with the ids of both sides."""

    text: str
    expected: list[int]
    actual: list[int]

    @property
    def where(self) -> int:
        """First position at which the ids differ."""
        return first_difference(self.expected, self.actual)


def fixed_texts() -> list[str]:
    """Texts with which every comparison starts."""
    return [UNITS, *TRICKY_TEXTS.values(), *tokenizer_corpus.lines().values()]


def comparable_text(tokenizer: Any, text: str, *, bare: bool = False) -> str | None:
    """The text, without outer white space if `bare`; None if both sides may differ on it.

    Libraries differ on added tokens, and SentencePiece reads the letter '▁' as a space.
    """
    text = text.strip() if bare else text
    return None if not text or added_token_finder(tokenizer)(text) or (bare and "▁" in text) else text


def added_token_finder(tokenizer: Any) -> Callable[[str], object]:
    """A function that finds an added token in a text; created once per tokenizer, as some have thousands."""
    if tokenizer not in _ADDED:
        words = {token.content for token in tokenizer.added_tokens_decoder.values() if token.content}
        _ADDED[tokenizer] = re.compile("|".join(map(re.escape, sorted(words))) or r"(?!)").search
    return _ADDED[tokenizer]


def mismatch(tokenizer: Any, expected: Encode, text: str) -> Mismatch | None:
    """The difference on this text, reduced to a small part of it; None if the ids agree."""
    if encode(tokenizer, text) == expected(text):
        return None
    smallest = next((part for part in smaller_parts(text) if encode(tokenizer, part) != expected(part)), text)
    return Mismatch(smallest, expected(smallest), encode(tokenizer, smallest))


def smaller_parts(text: str) -> Iterator[str]:
    """Words, pairs of words and lines of a text, short ones first."""
    words = text.split()
    yield from dict.fromkeys(word for word in words if len(word) > 1)
    yield from (f"{one} {other}" for one, other in pairwise(words))
    yield from (line for line in text.splitlines() if line.strip())


def evidence(tokenizer: Any, found: Mismatch, *, pieces: Iterable[str] | None = None) -> dict[str, Any]:
    """Ids of both sides, with the tokens at the first difference, and the pre-tokens if they are known."""
    start = max(0, found.where - 1)
    points = " ".join(f"U+{ord(each):04X}" for each in found.text[:40])
    shown = {
        "text": escaped(found.text, limit=200),
        "code points": points,
        "parts at": found.where,
        "expected ids": found.expected[:60],
        "actual ids": found.actual[:60],
        "expected tokens": token_strings(tokenizer, found.expected[start : start + 8]),
        "actual tokens": token_strings(tokenizer, found.actual[start : start + 8]),
    }
    cut = pre_tokens(tokenizer, found.text)
    shown |= {"actual pre-tokens": [escaped(each) for each in cut[:20]]} if cut else {}
    shown |= {"expected pre-tokens": [escaped(each) for each in list(pieces)[:20]]} if pieces else {}
    return shown | {"rule": rule_behind(tokenizer, found.text)}


def token_strings(tokenizer: Any, ids: list[int]) -> list[str | None]:
    """The token strings; None for an id that the tokenizer does not have."""
    return [tokens(tokenizer, [index])[0] if index >= 0 else None for index in ids]


def pre_tokens(tokenizer: Any, text: str) -> list[str]:
    """The pieces into which the pre-tokenizer splits the normalized text, in its letters."""
    declared = pipeline(tokenizer)
    if not declared.backend or not declared.backend.pre_tokenizer:
        return []
    normalized = declared.normalized(text)
    cut = declared.backend.pre_tokenizer.pre_tokenize_str(normalized)
    return [normalized[start:end] for _, (start, end) in cut]


def pattern_of(tokenizer: Any) -> str | None:
    """The regular expression with which a byte-level tokenizer splits text, if there is exactly one."""
    backend = pipeline(tokenizer).backend
    declared = [component_state(step) for _, step in steps("pre_tokenizer", backend.pre_tokenizer)] if backend else []
    found = [step["pattern"].get("Regex") for step in declared if step.get("type") == "Split"]
    return found[0] if len(found) == 1 else None
