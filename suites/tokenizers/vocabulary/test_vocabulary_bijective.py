from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from fixtures.machine import library_versions
from fixtures.session.uses import uses
from suites.findings import Defect, NotApplicable, Record


@uses("text")
def test_vocabulary_bijective(tokenizer: Any, record: Record) -> None:
    """Every token has one id and every id one token; len(tokenizer), get_vocab() and the added tokens agree.

    Why: a model cannot distinguish two tokens with one id, and embeddings are resized to len(tokenizer).
    Fix: Give each entry of the vocabulary and of added_tokens in tokenizer.json its own id.
    Source: https://huggingface.co/docs/transformers/main_classes/tokenizer;
        https://github.com/huggingface/transformers/pull/48446
    """
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    record.capability("tokenizer.vocabulary_size", len(vocabulary))
    record.capability("tokenizer.unused_ids", unused_ids(vocabulary.values()))
    if library_versions.of_mistral_common(tokenizer):
        record.capability("tokenizer.vocabulary_lossy", "yes")
        raise NotApplicable("get_vocab() of mistral-common is lossy, as documented")
    shared = [number for number, count in Counter(vocabulary.values()).items() if count > 1]
    if shared:
        both = sorted(token for token, number in vocabulary.items() if number == shared[0])
        raise Defect(
            f"{len(shared)} ids belong to several tokens: id {shared[0]} to {' and '.join(both)}.",
            evidence={"ids": shared[:20], "tokens": both},
        )
    names = tokenizer.convert_ids_to_tokens(list(vocabulary.values()))
    entries = [(*entry, name) for entry, name in zip(vocabulary.items(), names, strict=True)]
    known_as = normalized(tokenizer)
    if wrong := [entry for entry in entries if entry[2] not in (entry[0], known_as.get(entry[0], entry[0]))]:
        token, number, name = wrong[0]
        raise Defect(
            f"{len(wrong)} ids do not lead back to their token: {token!r} has id {number}, and this id is {name!r}.",
            evidence={"count": len(wrong), "first": wrong[:10]},
        )
    added_tokens_listed(tokenizer, vocabulary)
    sizes_agree(tokenizer, vocabulary)


def normalized(tokenizer: Any) -> dict[str, str]:
    """Added tokens that are flagged normalized, with the text under which the backend matches them."""
    normalizer = getattr(getattr(tokenizer, "backend_tokenizer", None), "normalizer", None)
    added = [each.content for each in tokenizer.added_tokens_decoder.values() if each.normalized]
    return {token: str(normalizer.normalize_str(token)) for token in added} if normalizer else {}


def unused_ids(numbers: Iterable[int]) -> int:
    """Number of ids below the highest one that no token has; published vocabularies have some."""
    distinct = set(numbers)
    return max(distinct, default=-1) + 1 - len(distinct)


def added_tokens_listed(tokenizer: Any, vocabulary: dict[str, int]) -> None:
    """Raises Defect if a list of added tokens does not agree with get_vocab()."""
    __tracebackhide__ = True
    for listing, added in added_tokens(tokenizer).items():
        for token, number in added.items():
            if vocabulary.get(token) != number:
                raise Defect(
                    f"The added token {token!r} has id {number} in {listing}, but in get_vocab() it has "
                    f"{vocabulary.get(token, 'none')}.",
                    evidence={"token": token, "id": number, "get_vocab": vocabulary.get(token), "place": listing},
                )


def added_tokens(tokenizer: Any) -> dict[str, dict[str, int]]:
    """Tokens and ids of each list of added tokens; that of the backend is empty for slow tokenizers."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    inner: dict[int, Any] = getattr(backend, "get_added_tokens_decoder", dict)()
    return {
        "added_tokens_decoder": {str(each): number for number, each in tokenizer.added_tokens_decoder.items()},
        "get_added_vocab()": dict(tokenizer.get_added_vocab()),
        "the backend": {each.content: number for number, each in inner.items()},
    }


def sizes_agree(tokenizer: Any, vocabulary: dict[str, int]) -> None:
    __tracebackhide__ = True
    base, added = tokenizer.vocab_size, len(tokenizer)
    sizes = {"len": added, "vocab_size": base, "get_vocab": len(vocabulary)}
    if added != len(vocabulary):
        raise Defect(f"len(tokenizer) is {added}, but get_vocab() has {len(vocabulary)} entries.", evidence=sizes)
    if base > added:
        raise Defect(f"vocab_size is {base}, but len(tokenizer), with added tokens, is only {added}.", evidence=sizes)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None and (inner := backend.get_vocab_size(with_added_tokens=True)) != added:
        sizes["backend"] = inner
        raise Defect(f"len(tokenizer) is {added}, but its backend has {inner} tokens.", evidence=sizes)
