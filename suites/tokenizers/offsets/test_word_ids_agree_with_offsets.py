from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fixtures.inputs.texts import TRICKY_TEXTS, texts
from fixtures.session.uses import SPANS, uses
from suites.evidence import escaped
from suites.findings import Defect, Record
from suites.tokenizers.checked_calls import require_fast
from suites.tokenizers.evidence import case
from suites.tokenizers.offsets.spans import LocatedTokens, Token, locate, shown


@uses("training", *SPANS)
def test_word_ids_agree_with_offsets(tokenizer: Any, record: Record) -> None:
    """word_ids, sequence_ids, char_to_token, token_to_chars and similar methods agree with the offsets.

    Why: each task uses another of these methods to find the text of a token; all must give the same result.
    Fix: Do not change encodings in a custom class; restore the post_processor of tokenizer.json.
    Source: https://huggingface.co/docs/transformers/main_classes/tokenizer#transformers.BatchEncoding
    """
    require_fast(tokenizer, record, "word_ids")
    for text in TRICKY_TEXTS.values():
        agree(tokenizer, text)
    agree(tokenizer, TRICKY_TEXTS["emoji"], TRICKY_TEXTS["german"])

    @given(text=texts(max_size=3), pair=st.none() | texts(min_size=1, max_size=2))
    def any_text(text: str, pair: str | None) -> None:
        agree(tokenizer, text, pair)

    any_text()


def agree(tokenizer: Any, text: str, pair: str | None = None) -> None:
    """Raises Defect for the first disagreement in the encoding of one call."""
    __tracebackhide__ = True
    found = locate(tokenizer, text, pair)
    for problem in problems(found):
        raise Defect(
            f"word_ids, char_to_token and similar methods disagree for {escaped(text, limit=40)}: {problem}.",
            evidence=case(tokenizer, text, found.ids, offsets=shown(found), word_ids=found.raw.word_ids()[:60]),
        )


def problems(found: LocatedTokens) -> Iterator[str]:
    """Disagreements between the methods and the offsets, in words."""
    words = found.raw.word_ids()
    if len(words) != len(found.tokens):
        yield f"word_ids has {len(words)} entries for {len(found.tokens)} tokens"
        return
    for token in found.tokens:
        yield from of_token(found.raw, token, words[token.index])
    for number, text in enumerate(found.texts):
        own = [(token, words[token.index]) for token in found.of(number)]
        yield from of_words(found.raw, number, own)
        yield from of_characters(found.raw, number, text, found.of(number))


def of_token(raw: Any, token: Token, word: int | None) -> Iterator[str]:
    if raw.token_to_sequence(token.index) != token.text:
        actual = raw.token_to_sequence(token.index)
        yield f"token_to_sequence({token.index}) is {actual}, sequence_ids has {token.text}"
    if raw.token_to_word(token.index) != word:
        yield f"token_to_word({token.index}) is {raw.token_to_word(token.index)}, word_ids has {word}"
    span = raw.token_to_chars(token.index)
    if token.text is not None and (span is None or tuple(span) != (token.start, token.end)):
        yield f"token_to_chars({token.index}) is {span}, its offsets are {token.start} to {token.end}"


def of_words(raw: Any, number: int, own: list[tuple[Token, int | None]]) -> Iterator[str]:
    """Disagreements about words: their order, their tokens, their characters."""
    known = [word for _, word in own if word is not None]
    if any(two < one for one, two in pairwise(known)):
        yield "the word ids are not in increasing order"
    for word in sorted(set(known)):
        tokens = [token for token, each in own if each == word]
        span = raw.word_to_tokens(word, sequence_index=number)
        characters = raw.word_to_chars(word, sequence_index=number)
        if span is None or tuple(span) != (tokens[0].index, tokens[-1].index + 1):
            yield f"word_to_tokens({word}) is {span}, by word_ids it is tokens {tokens[0].index} to {tokens[-1].index}"
        if tuple(characters) != (tokens[0].start, tokens[-1].end):
            yield f"word_to_chars({word}) is {characters}, the offsets are {tokens[0].start} to {tokens[-1].end}"


def of_characters(raw: Any, number: int, text: str, tokens: list[Token]) -> Iterator[str]:
    """Disagreements about characters: the first token that covers each, and the word of this token."""
    for position in range(len(text)):
        expected = next((token.index for token in tokens if token.start <= position < token.end), None)
        actual = raw.char_to_token(position, sequence_index=number)
        if actual != expected:
            yield f"char_to_token({position}) is {actual}, by the offsets it is {expected}"
        elif expected is not None:
            word, word_of_token = raw.char_to_word(position, sequence_index=number), raw.token_to_word(expected)
            if word != word_of_token:
                yield f"char_to_word({position}) is {word}, its token {expected} belongs to word {word_of_token}"
