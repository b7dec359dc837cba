from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fixtures.inputs.texts import TRICKY_TEXTS, texts
from fixtures.session.uses import SPANS, uses
from suites.evidence import escaped
from suites.findings import Defect, Finding, Record
from suites.tokenizers.checked_calls import require_fast
from suites.tokenizers.evidence import case
from suites.tokenizers.offsets.spans import LocatedTokens, Token, locate, own_text, shown, untouched
from suites.tokenizers.rules import rule_behind
from suites.tokenizers.tokenization_pipeline import pipeline


@uses("training", *SPANS)
def test_offsets_slice_the_text(tokenizer: Any, record: Record) -> None:
    """The offsets of a token are the characters of the text that it spells; they are in order and cover the text.

    Why: extracted answers, highlighted words and redactions are cut out of the text by these offsets.
    Fix: Restore normalizer, pre_tokenizer and post_processor of tokenizer.json from the original model; convert
        offsets in bytes into offsets in characters.
    Source: https://huggingface.co/docs/tokenizers/api/encoding; https://github.com/huggingface/tokenizers/issues/156;
        https://github.com/huggingface/transformers/issues/33675
    """
    require_fast(tokenizer, record, "offsets")
    for text in TRICKY_TEXTS.values():
        slices(tokenizer, text)
    slices(tokenizer, TRICKY_TEXTS["emoji"], TRICKY_TEXTS["german"])

    @given(text=texts(max_size=4), pair=st.none() | texts(max_size=2))
    def any_text(text: str, pair: str | None) -> None:
        slices(tokenizer, text, pair or None)

    any_text()


def slices(tokenizer: Any, text: str, pair: str | None = None) -> None:
    """Raises Defect for the first problem with the offsets of one call."""
    __tracebackhide__ = True
    spellable = pipeline(tokenizer).spellable
    text, pair = spellable(text), spellable(pair) if pair else None
    found = locate(tokenizer, text, pair or None)
    for number, whole in enumerate(found.texts):
        tokens = found.of(number)
        for problem in problems(tokenizer, whole, tokens):
            raise finding(tokenizer, whole, found, problem)


def problems(tokenizer: Any, text: str, tokens: list[Token]) -> Iterator[str]:
    """Problems with the offsets of the tokens of a text, in words."""
    unchanged = untouched(tokenizer, text)
    for token in tokens:
        yield from of_one(tokenizer, text, token, unchanged)
    for one, two in pairwise(tokens):
        if two.start < one.start or two.end < one.end:
            yield f"token {two.index} starts or ends before token {one.index}"
        if unchanged and one.end - two.start > 1:
            yield f"tokens {one.index} and {two.index} share {one.end - two.start} characters"
    if unchanged:
        yield from uncovered(text, tokens)
        yield from misplaced(tokenizer, text, tokens)


def of_one(tokenizer: Any, text: str, token: Token, unchanged: bool) -> Iterator[str]:
    if not 0 <= token.start <= token.end <= len(text):
        unit = "bytes, not characters" if token.end <= len(text.encode()) else "something other than characters"
        yield f"token {token.index} ends at {token.end} of {len(text)} characters, so offsets count {unit}"
    elif token.start == token.end and unchanged and own_text(tokenizer, token.id):
        yield f"token {token.index} spells text, but its offsets are empty"


def uncovered(text: str, tokens: list[Token]) -> Iterator[str]:
    """Characters that no token covers, other than white space and its mark."""
    covered = {position for token in tokens for position in range(token.start, token.end)}
    for position, character in enumerate(text):
        if position not in covered and character != "▁" and not character.isspace() and character.isprintable():
            yield f"no token covers the character {character!a} at position {position}"


def misplaced(tokenizer: Any, text: str, tokens: list[Token]) -> Iterator[str]:
    """Tokens without overlap whose offsets do not slice the text that they spell."""
    bounds = [(0, 0), *((token.start, token.end) for token in tokens), (len(text), len(text))]
    for token, before, after in zip(tokens, bounds, bounds[2:], strict=False):
        spelled = own_text(tokenizer, token.id)
        if spelled and before[1] <= token.start and token.end <= after[0]:
            piece = text[token.start : token.end]
            if spelled.replace("▁", " ").strip() != piece.replace("▁", " ").strip():
                yield f"token {token.index} spells {escaped(spelled)}, but its offsets slice {escaped(piece)}"


def finding(tokenizer: Any, text: str, found: LocatedTokens, problem: str) -> Finding:
    return Defect(
        f"The offsets of the tokens of {escaped(text, limit=40)} are wrong: {problem}.",
        evidence=case(tokenizer, text, found.ids, offsets=shown(found), rule=rule_behind(tokenizer, text)),
    )
