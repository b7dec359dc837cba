from __future__ import annotations

from typing import Any

from suites.evidence import tokens
from suites.findings import Defect, Record
from suites.tokenizers.encoding import encode, panics_as_errors
from suites.tokenizers.tokenization_pipeline import pipeline

WORDS = ["the", "quick", "don't", "naïve", "fox", "你好", "x2", "."]
REFUSALS = ("is_split_into_words", "add_prefix_space", "pretokenized")


def test_takes_words(tokenizer: Any, record: Record) -> None:
    """Words that are given one by one come back one by one, and word_ids says which token belongs to which.

    Why: labels of words (names, parts of speech) are laid onto tokens by word_ids; a slip trains on wrong labels.
    Fix: For byte-level BPE load the tokenizer with add_prefix_space=True; restore the pre_tokenizer of tokenizer.json
        from the original model.
    Source: https://huggingface.co/docs/transformers/tasks/token_classification
    """
    for word in WORDS:
        encode(tokenizer, word)
    try:
        with panics_as_errors():
            answer = tokenizer(WORDS, is_split_into_words=True, add_special_tokens=False)
    except Exception as error:  # some classes refuse, and say why
        if not any(word in str(error) for word in REFUSALS):
            raise Defect(
                f"A call with words raises {type(error).__name__}: {error}", evidence={"words": WORDS}
            ) from None
        record.capability("tokenizer.takes_words", "refused", evidence=str(error)[:300])
        return
    ids = list(answer["input_ids"])
    record.capability("tokenizer.takes_words", form(tokenizer, ids), evidence={"tokens": tokens(tokenizer, ids)})
    if getattr(tokenizer, "is_fast", False):
        pieces_of_words(tokenizer, answer)
    one_batch(tokenizer, ids)


def form(tokenizer: Any, ids: list[int]) -> str:
    """What the words become: words of a text, or texts without spaces between."""
    if ids == encode(tokenizer, " ".join(WORDS)):
        return "as the text with spaces"
    alone = [part for word in WORDS for part in encode(tokenizer, word)]
    return "each word as a text of its own" if ids == alone else "in a form of their own"


def pieces_of_words(tokenizer: Any, answer: Any) -> None:
    """The tokens of a word by word_ids, against the ids of the word with and without a space before it."""
    __tracebackhide__ = True
    belongs = answer.word_ids()
    if len(belongs) != len(answer["input_ids"]):
        raise Defect("word_ids has another length than the ids.", evidence={"word_ids": belongs})
    for number, word in enumerate(WORDS):
        part = [each for each, where in zip(answer["input_ids"], belongs, strict=True) if where == number]
        if bare(tokenizer, part) != bare(tokenizer, encode(tokenizer, word)):
            raise Defect(
                f"By word_ids, the tokens of the word {word!a} spell other text: {tokenizer.decode(part)!a}.",
                evidence={"words": WORDS, "word": number, "tokens of the word": tokens(tokenizer, part),
                          "tokens": tokens(tokenizer, answer["input_ids"]), "word_ids": belongs},
            )  # fmt: skip


def bare(tokenizer: Any, ids: list[int]) -> str:
    """The text of some ids without white space."""
    return "".join(str(tokenizer.decode(ids)).split()) or str(pipeline(tokenizer).unknown)


def one_batch(tokenizer: Any, ids: list[int]) -> None:
    """A batch of word lists gives the rows that its lists give alone."""
    __tracebackhide__ = True
    rows = tokenizer([WORDS, WORDS[:2]], is_split_into_words=True, add_special_tokens=False)["input_ids"]
    alone = tokenizer(WORDS[:2], is_split_into_words=True, add_special_tokens=False)["input_ids"]
    if [list(row) for row in rows] != [ids, list(alone)]:
        raise Defect(
            "A batch of word lists gives other ids than the lists alone.",
            evidence={"words": [WORDS, WORDS[:2]], "batch": rows, "alone": [ids, list(alone)]},
        )
