"""Promise: tokens and ids are in one-to-one correspondence."""

from __future__ import annotations

from collections import Counter
from typing import Any

from suites.findings import Defect


def test_vocabulary_bijective(tokenizer: Any, record: Any) -> None:
    """Every token has one id and every id one token; len(tokenizer) and get_vocab() agree.

    Why: two tokens with one id cannot be told apart by the model, and embeddings are resized to len(tokenizer).
    Fix: Give each entry of the vocabulary and of added_tokens in tokenizer.json an id of its own.
    Source: https://huggingface.co/docs/transformers/main_classes/tokenizer
    """
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    record.capability("tokenizer.vocabulary", len(vocabulary))
    shared = [number for number, count in Counter(vocabulary.values()).items() if count > 1]
    if shared:
        both = sorted(token for token, number in vocabulary.items() if number == shared[0])
        raise Defect(f"{len(shared)} ids belong to several tokens: {shared[0]} to {' and '.join(both)}.",
                     evidence={"ids": shared[:20], "tokens": both})  # fmt: skip
    names = tokenizer.convert_ids_to_tokens(list(vocabulary.values()))
    entries = [(*entry, name) for entry, name in zip(vocabulary.items(), names, strict=True)]
    if wrong := [entry for entry in entries if entry[0] != entry[2]]:
        token, number, name = wrong[0]
        raise Defect(f"{len(wrong)} ids do not lead back to their token: {token!r} has id {number}, which is {name!r}.",
                     evidence={"count": len(wrong), "first": wrong[:10]})  # fmt: skip
    if len(tokenizer) != len(vocabulary):
        raise Defect(f"len(tokenizer) is {len(tokenizer)}, and get_vocab() has {len(vocabulary)} entries.",
                     evidence={"len": len(tokenizer), "get_vocab": len(vocabulary)})  # fmt: skip
