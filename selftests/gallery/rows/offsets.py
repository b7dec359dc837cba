"""Rows about where a text's tokens came from: offsets, and the words of a list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.classes import Call, as_they_are, overriding
from selftests.gallery.registry import CHAT, CLASSIFIER, mutant


def bytes_for_characters(call: Call, text: Any = None, *args: Any, **options: Any) -> Any:
    answer = call(text, *args, **options)
    if isinstance(text, str) and "offset_mapping" in answer:
        answer["offset_mapping"] = [
            (len(text[:start].encode()), len(text[:end].encode())) for start, end in answer["offset_mapping"]
        ]
    return answer


@mutant(
    "T12",
    "offsets count bytes",
    source="huggingface/tokenizers#156",
    base=CHAT,
    caught_by="tokenizers/offsets-slice-the-text",
    naming="bytes, not characters",
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=bytes_for_characters),
)
def offsets_in_bytes(directory: Path) -> None:
    as_they_are(directory)


def shifted(call: Call, text: Any = None, *args: Any, **options: Any) -> Any:
    answer = call(text, *args, **options)
    if isinstance(text, str) and "offset_mapping" in answer:
        last = len(text)
        moved = [(min(last, a + 1), min(last, b + 1)) if b else (a, b) for a, b in answer["offset_mapping"]]
        answer["offset_mapping"] = moved
    return answer


@mutant(
    "K11",
    "offsets are one character late, as after a space that was put before the text",
    source="huggingface/tokenizers#188",
    base=CLASSIFIER,
    caught_by="tokenizers/offsets-slice-the-text",
    naming="offsets",
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=shifted),
)
def offsets_shifted(directory: Path) -> None:
    as_they_are(directory)


def words_of_neighbours(call: Call, *args: Any, **options: Any) -> Any:
    answer = call(*args, **options)
    original = answer.word_ids
    answer.word_ids = lambda number=0: [word and word - 1 for word in original(number)]
    return answer


@mutant(
    "K12",
    "word_ids names the word before",
    source="own",
    base=CLASSIFIER,
    caught_by="tokenizers/word-ids-agree-with-offsets",
    naming="token_to_word",
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=words_of_neighbours),
)
def word_ids_off_by_one(directory: Path) -> None:
    as_they_are(directory)


def words_joined(call: Call, text: Any = None, *args: Any, **options: Any) -> Any:
    if options.get("is_split_into_words") and isinstance(text[0], str):
        text = ["".join(text[:2]), "", *text[2:]]
    return call(text, *args, **options)


@mutant(
    "K13",
    "two words of a list are taken for one",
    source="own",
    base=CLASSIFIER,
    caught_by="tokenizers/takes-words",
    naming="word_ids",
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=words_joined),
)
def words_run_together(directory: Path) -> None:
    as_they_are(directory)
