"""Defects of offsets and word ids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import unchanged
from selftests.gallery.edits.loaded_tokenizers import Call, overriding
from selftests.gallery.registry import CHAT, CLASSIFIER, mutant


def bytes_for_characters(call: Call, text: Any = None, *args: Any, **options: Any) -> Any:
    answer = call(text, *args, **options)
    if isinstance(text, str) and "offset_mapping" in answer:
        answer["offset_mapping"] = [
            (len(text[:start].encode()), len(text[:end].encode())) for start, end in answer["offset_mapping"]
        ]
    return answer


@mutant(
    "offsets-in-bytes",
    "offsets count bytes",
    number="T12",
    source="huggingface/tokenizers#156",
    base=CHAT,
    caught_by="tokenizers/offsets-slice-the-text",
    summary_contains="bytes, not characters",
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=bytes_for_characters),
)
def offsets_in_bytes(directory: Path) -> None:
    unchanged(directory)


def shifted(call: Call, text: Any = None, *args: Any, **options: Any) -> Any:
    answer = call(text, *args, **options)
    if isinstance(text, str) and "offset_mapping" in answer:
        last = len(text)
        moved = [(min(last, a + 1), min(last, b + 1)) if b else (a, b) for a, b in answer["offset_mapping"]]
        answer["offset_mapping"] = moved
    return answer


@mutant(
    "offsets-one-late",
    "offsets are one character late, as after a space that was put before the text",
    number="K11",
    source="huggingface/tokenizers#188",
    base=CLASSIFIER,
    caught_by="tokenizers/offsets-slice-the-text",
    summary_contains="offsets",
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=shifted),
)
def offsets_one_late(directory: Path) -> None:
    unchanged(directory)


def words_of_neighbours(call: Call, *args: Any, **options: Any) -> Any:
    answer = call(*args, **options)
    original = answer.word_ids
    answer.word_ids = lambda number=0: [word and word - 1 for word in original(number)]
    return answer


@mutant(
    "word-ids-one-early",
    "word_ids names the word before",
    number="K12",
    source="own",
    base=CLASSIFIER,
    caught_by="tokenizers/word-ids-agree-with-offsets",
    summary_contains="token_to_word",
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=words_of_neighbours),
)
def word_ids_one_early(directory: Path) -> None:
    unchanged(directory)
