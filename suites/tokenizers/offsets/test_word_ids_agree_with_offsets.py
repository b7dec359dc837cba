from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fixtures.inputs.texts import TRICKY_TEXTS, texts
from suites.evidence import escaped
from suites.findings import Defect, Record
from suites.tokenizers.checked_calls import is_fast
from suites.tokenizers.evidence import case
from suites.tokenizers.offsets.spans import Located, Token, located, shown


def test_word_ids_agree_with_offsets(tokenizer: Any, record: Record) -> None:
    """word_ids, sequence_ids, char_to_token, token_to_chars and their kin say the same as the offsets.

    Why: each task takes another of these ways from a token to the text, and all must lead to the same place.
    Fix: Remove what a custom class does to the encodings; restore the post_processor of tokenizer.json.
    Source: https://huggingface.co/docs/transformers/main_classes/tokenizer#transformers.BatchEncoding
    """
    if not is_fast(tokenizer, record, "word_ids"):
        return
    for text in TRICKY_TEXTS.values():
        agree(tokenizer, text)
    agree(tokenizer, TRICKY_TEXTS["emoji"], TRICKY_TEXTS["german"])

    @given(text=texts(max_size=3), pair=st.none() | texts(min_size=1, max_size=2))
    def any_text(text: str, pair: str | None) -> None:
        agree(tokenizer, text, pair)

    any_text()


def agree(tokenizer: Any, text: str, pair: str | None = None) -> None:
    """Everything that is promised about the ways through one call."""
    __tracebackhide__ = True
    found = located(tokenizer, text, pair)
    for problem in problems(found):
        shown_text = escaped(text, limit=40)
        raise Defect(
            f"The ways between words, characters and tokens of {shown_text} disagree: {problem}.",
            evidence=case(tokenizer, text, found.ids, offsets=shown(found), word_ids=found.raw.word_ids()[:60]),
        )


def problems(found: Located) -> Iterator[str]:
    """What disagrees, in words."""
    words = found.raw.word_ids()
    if len(words) != len(found.tokens):
        yield f"{len(found.tokens)} tokens have {len(words)} word ids"
        return
    for token in found.tokens:
        yield from of_token(found.raw, token, words[token.index])
    for number, text in enumerate(found.texts):
        own = [(token, words[token.index]) for token in found.of(number)]
        yield from of_words(found.raw, number, own)
        yield from of_characters(found.raw, number, text, found.of(number))


def of_token(raw: Any, token: Token, word: int | None) -> Iterator[str]:
    if raw.token_to_sequence(token.index) != token.text:
        yield f"token_to_sequence({token.index}) and sequence_ids differ"
    if raw.token_to_word(token.index) != word:
        yield f"token_to_word({token.index}) is {raw.token_to_word(token.index)}, word_ids has {word}"
    span = raw.token_to_chars(token.index)
    if token.text is not None and (span is None or tuple(span) != (token.start, token.end)):
        yield f"token_to_chars({token.index}) is {span}, the offsets are {token.start} to {token.end}"


def of_words(raw: Any, number: int, own: list[tuple[Token, int | None]]) -> Iterator[str]:
    """Words come in order, and each leads to its tokens and characters."""
    known = [word for _, word in own if word is not None]
    if any(two < one for one, two in pairwise(known)):
        yield "the word ids go back"
    for word in sorted(set(known)):
        tokens = [token for token, each in own if each == word]
        span, characters = (
            raw.word_to_tokens(word, sequence_index=number),
            raw.word_to_chars(word, sequence_index=number),
        )
        if span is None or tuple(span) != (tokens[0].index, tokens[-1].index + 1):
            yield f"word_to_tokens({word}) is {span}, word_ids has tokens {tokens[0].index} to {tokens[-1].index}"
        if tuple(characters) != (tokens[0].start, tokens[-1].end):
            yield f"word_to_chars({word}) is {characters}, its tokens lie at {tokens[0].start} to {tokens[-1].end}"


def of_characters(raw: Any, number: int, text: str, tokens: list[Token]) -> Iterator[str]:
    """Each character leads to the first token that covers it, and to that token's word."""
    for place in range(len(text)):
        expected = next((token.index for token in tokens if token.start <= place < token.end), None)
        actual = raw.char_to_token(place, sequence_index=number)
        if actual != expected:
            yield f"char_to_token({place}) is {actual}, by the offsets it is {expected}"
        elif expected is not None and raw.char_to_word(place, sequence_index=number) != raw.token_to_word(expected):
            yield f"char_to_word({place}) is not the word of its token {expected}"
