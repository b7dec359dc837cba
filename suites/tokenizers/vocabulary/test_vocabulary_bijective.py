from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from fixtures.machine import library_versions
from suites.findings import Defect, Record


def test_vocabulary_bijective(tokenizer: Any, record: Record) -> None:
    """Every token has one id and every id one token; len(tokenizer), get_vocab() and the added tokens agree.

    Why: two tokens with one id cannot be told apart by the model, and embeddings are resized to len(tokenizer).
    Fix: Give each entry of the vocabulary and of added_tokens in tokenizer.json an id of its own.
    Source: https://huggingface.co/docs/transformers/main_classes/tokenizer;
        https://github.com/huggingface/transformers/pull/48446
    """
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    record.capability("tokenizer.vocabulary_size", len(vocabulary))
    record.capability("tokenizer.unused_ids", holes(vocabulary.values()))
    if library_versions.of_mistral_common(tokenizer):
        record.capability("tokenizer.vocabulary_lossy", "yes")
        return
    shared = [number for number, count in Counter(vocabulary.values()).items() if count > 1]
    if shared:
        both = sorted(token for token, number in vocabulary.items() if number == shared[0])
        raise Defect(f"{len(shared)} ids belong to several tokens: {shared[0]} to {' and '.join(both)}.",
                     evidence={"ids": shared[:20], "tokens": both})  # fmt: skip
    names = tokenizer.convert_ids_to_tokens(list(vocabulary.values()))
    entries = [(*entry, name) for entry, name in zip(vocabulary.items(), names, strict=True)]
    known_as = normalized(tokenizer)
    if wrong := [entry for entry in entries if entry[2] not in (entry[0], known_as.get(entry[0], entry[0]))]:
        token, number, name = wrong[0]
        raise Defect(f"{len(wrong)} ids do not lead back to their token: {token!r} has id {number}, which is {name!r}.",
                     evidence={"count": len(wrong), "first": wrong[:10]})  # fmt: skip
    added_tokens_listed(tokenizer, vocabulary)
    sizes_agree(tokenizer, vocabulary)


def normalized(tokenizer: Any) -> dict[str, str]:
    """The form under which tokenizers knows each added token that is flagged normalized."""
    normalizer = getattr(getattr(tokenizer, "backend_tokenizer", None), "normalizer", None)
    added = [each.content for each in tokenizer.added_tokens_decoder.values() if each.normalized]
    return {token: str(normalizer.normalize_str(token)) for token in added} if normalizer else {}


def holes(numbers: Iterable[int]) -> int:
    """Ids below the highest one that no token has; published vocabularies have some."""
    distinct = set(numbers)
    return max(distinct, default=-1) + 1 - len(distinct)


def added_tokens_listed(tokenizer: Any, vocabulary: dict[str, int]) -> None:
    """What three places call the added tokens is in the vocabulary, with the same ids."""
    __tracebackhide__ = True
    for place, added in added_tokens(tokenizer).items():
        for token, number in added.items():
            if vocabulary.get(token) != number:
                raise Defect(
                    f"{place} gives the added token {token!r} the id {number}, and get_vocab() gives it "
                    f"{vocabulary.get(token, 'none')}.",
                    evidence={"token": token, "id": number, "get_vocab": vocabulary.get(token), "place": place},
                )


def added_tokens(tokenizer: Any) -> dict[str, dict[str, int]]:
    """Place to token to id; slow tokenizers without an added vocabulary have fewer places."""
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
        raise Defect(f"len(tokenizer) is {added}, and get_vocab() has {len(vocabulary)} entries.", evidence=sizes)
    if base > added:
        raise Defect(f"vocab_size is {base}, and with added tokens len(tokenizer) is only {added}.", evidence=sizes)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None and (inner := backend.get_vocab_size(with_added_tokens=True)) != added:
        sizes["backend"] = inner
        raise Defect(f"len(tokenizer) is {added}, and its backend counts {inner} tokens.", evidence=sizes)
