from __future__ import annotations

from typing import Any

from fixtures.session.uses import SPANS, uses
from suites.evidence import tokens
from suites.findings import Defect, NotApplicable, Record
from suites.tokenizers.encoding import encode, panics_as_errors
from suites.tokenizers.tokenization_pipeline import pipeline

WORDS = ["the", "quick", "don't", "naïve", "fox", "你好", "x2", "."]
REFUSALS = ("is_split_into_words", "add_prefix_space", "pretokenized")


@uses("training", *SPANS)
def test_takes_words(tokenizer: Any, record: Record) -> None:
    """With is_split_into_words, word_ids assigns to each word the tokens that spell it.

    Why: token classification aligns the labels of words with tokens by word_ids; an error trains on wrong labels.
    Fix: For byte-level BPE load the tokenizer with add_prefix_space=True; restore the pre_tokenizer of tokenizer.json
        from the original model.
    Source: https://huggingface.co/docs/transformers/tasks/token_classification
    """
    for word in WORDS:
        encode(tokenizer, word)
    try:
        with panics_as_errors():
            answer = tokenizer(WORDS, is_split_into_words=True, add_special_tokens=False)
    except Exception as error:  # some classes refuse with a reason
        if not any(word in str(error) for word in REFUSALS):
            raise Defect(
                f"A call with is_split_into_words=True raises {type(error).__name__}: {error}",
                evidence={"words": WORDS},
            ) from None
        record.capability("tokenizer.pretokenized_input", "refused", evidence=str(error)[:300])
        raise NotApplicable(f"{type(tokenizer).__name__} refuses is_split_into_words=True, with a reason") from None
    ids = list(answer["input_ids"])
    record.capability(
        "tokenizer.pretokenized_input", way_of_encoding(tokenizer, ids), evidence={"tokens": tokens(tokenizer, ids)}
    )
    if getattr(tokenizer, "is_fast", False):
        check_word_ids(tokenizer, answer)
    check_batch(tokenizer, ids)


def way_of_encoding(tokenizer: Any, ids: list[int]) -> str:
    """Says if the words are encoded as one text with spaces, or each as a text."""
    if ids == encode(tokenizer, " ".join(WORDS)):
        return "same as the text with spaces"
    alone = [part for word in WORDS for part in encode(tokenizer, word)]
    return "each word encoded separately" if ids == alone else "encoded differently"


def check_word_ids(tokenizer: Any, answer: Any) -> None:
    """Raises Defect if the tokens of a word, by word_ids, do not spell the word."""
    __tracebackhide__ = True
    word_ids = answer.word_ids()
    if len(word_ids) != len(answer["input_ids"]):
        summary = f"word_ids has {len(word_ids)} entries for {len(answer['input_ids'])} ids."
        raise Defect(summary, evidence={"word_ids": word_ids})
    for number, word in enumerate(WORDS):
        part = [each for each, where in zip(answer["input_ids"], word_ids, strict=True) if where == number]
        if bare(tokenizer, part) != bare(tokenizer, encode(tokenizer, word)):
            raise Defect(
                f"The tokens that word_ids assigns to the word {word!a} spell {tokenizer.decode(part)!a}.",
                evidence={
                    "words": WORDS,
                    "word": number,
                    "tokens of the word": tokens(tokenizer, part),
                    "tokens": tokens(tokenizer, answer["input_ids"]),
                    "word_ids": word_ids,
                },
            )


def bare(tokenizer: Any, ids: list[int]) -> str:
    """The text of some ids without white space."""
    return "".join(str(tokenizer.decode(ids)).split()) or str(pipeline(tokenizer).unknown)


def check_batch(tokenizer: Any, ids: list[int]) -> None:
    """Raises Defect if lists of words in a batch give other ids than alone."""
    __tracebackhide__ = True
    rows = tokenizer([WORDS, WORDS[:2]], is_split_into_words=True, add_special_tokens=False)["input_ids"]
    alone = tokenizer(WORDS[:2], is_split_into_words=True, add_special_tokens=False)["input_ids"]
    if [list(row) for row in rows] != [ids, list(alone)]:
        raise Defect(
            "Lists of words in a batch get other ids than each list alone.",
            evidence={"words": [WORDS, WORDS[:2]], "batch": rows, "alone": [ids, list(alone)]},
        )
