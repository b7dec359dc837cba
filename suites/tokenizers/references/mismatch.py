"""A tokenizer beside an independent encoder: the first text whose ids differ, cut down, and what is behind it."""

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
"""Where the patterns of published tokenizers part first: huggingface/transformers#42299."""


@dataclass(frozen=True)
class Mismatch:
    """A text, as short as could be found, with the ids of both sides."""

    text: str
    expected: list[int]
    actual: list[int]

    @property
    def where(self) -> int:
        """The first position at which the ids differ."""
        return first_difference(self.expected, self.actual)


def fixed_texts() -> list[str]:
    """Texts that every comparison starts with."""
    return [UNITS, *TRICKY_TEXTS.values(), *tokenizer_corpus.lines().values()]


def comparable_text(tokenizer: Any, text: str, *, bare: bool = False) -> str | None:
    """The text where both sides are to agree on it: None if it holds an added token; without outer white space if bare.

    Special tokens are a matter of each library. The letter '▁' is a space to SentencePiece.
    """
    text = text.strip() if bare else text
    return None if not text or added_token_finder(tokenizer)(text) or (bare and "▁" in text) else text


def added_token_finder(tokenizer: Any) -> Callable[[str], object]:
    """Finds an added token in a text; kept for the tokenizer, since some have thousands."""
    if tokenizer not in _ADDED:
        words = {token.content for token in tokenizer.added_tokens_decoder.values() if token.content}
        _ADDED[tokenizer] = re.compile("|".join(map(re.escape, sorted(words))) or r"(?!)").search
    return _ADDED[tokenizer]


def mismatch(tokenizer: Any, expected: Encode, text: str) -> Mismatch | None:
    """The difference on this text, on the smallest part of it that still shows one."""
    if encode(tokenizer, text) == expected(text):
        return None
    smallest = next((part for part in smaller_parts(text) if encode(tokenizer, part) != expected(part)), text)
    return Mismatch(smallest, expected(smallest), encode(tokenizer, smallest))


def smaller_parts(text: str) -> Iterator[str]:
    """Words, neighbouring words, then lines: short ones first."""
    words = text.split()
    yield from dict.fromkeys(word for word in words if len(word) > 1)
    yield from (f"{one} {other}" for one, other in pairwise(words))
    yield from (line for line in text.splitlines() if line.strip())


def evidence(tokenizer: Any, found: Mismatch, *, pieces: Iterable[str] | None = None) -> dict[str, Any]:
    """Both sides, with tokens from where they part; the pre-tokens of both, where they are known."""
    start = max(0, found.where - 1)
    points = " ".join(f"U+{ord(each):04X}" for each in found.text[:40])
    shown = {"text": escaped(found.text, limit=200), "code points": points, "parts at": found.where,
             "expected ids": found.expected[:60], "actual ids": found.actual[:60],
             "expected tokens": token_strings(tokenizer, found.expected[start : start + 8]),
             "actual tokens": token_strings(tokenizer, found.actual[start : start + 8])}  # fmt: skip
    cut = pre_tokens(tokenizer, found.text)
    shown |= {"actual pre-tokens": [escaped(each) for each in cut[:20]]} if cut else {}
    shown |= {"expected pre-tokens": [escaped(each) for each in list(pieces)[:20]]} if pieces else {}
    return shown | {"rule": rule_behind(tokenizer, found.text)}


def token_strings(tokenizer: Any, ids: list[int]) -> list[str | None]:
    """The token strings; an id that the tokenizer does not have has none."""
    return [tokens(tokenizer, [index])[0] if index >= 0 else None for index in ids]


def pre_tokens(tokenizer: Any, text: str) -> list[str]:
    """The pieces of the normalized text that the pre-tokenizer makes, in the text's own letters."""
    declared = pipeline(tokenizer)
    if not declared.backend or not declared.backend.pre_tokenizer:
        return []
    normalized = declared.normalized(text)
    cut = declared.backend.pre_tokenizer.pre_tokenize_str(normalized)
    return [normalized[start:end] for _, (start, end) in cut]


def pattern_of(tokenizer: Any) -> str | None:
    """The regular expression that a byte-level tokenizer cuts text with, if it is a single one."""
    backend = pipeline(tokenizer).backend
    declared = [component_state(step) for _, step in steps("pre_tokenizer", backend.pre_tokenizer)] if backend else []
    found = [step["pattern"].get("Regex") for step in declared if step.get("type") == "Split"]
    return found[0] if len(found) == 1 else None
