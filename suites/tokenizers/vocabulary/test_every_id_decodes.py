from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from fixtures.session.uses import uses
from suites.evidence import around, escaped
from suites.findings import Blocked, Defect, Record
from suites.tokenizers.batch_codec import BatchCodec
from suites.tokenizers.evidence import case
from suites.tokenizers.rules import rule_behind
from suites.tokenizers.tokenization_pipeline import Pipeline, pipeline

BLOCK = 512
"""Texts that are encoded together, one per line; only blocks that differ are encoded one by one."""
Entry = tuple[int, str]


@uses("text")
def test_every_id_decodes(tokenizer: Any, record: Record) -> None:
    """Each id of the vocabulary decodes to a text that survives another encoding and decoding.

    Why: a model can generate any id; one that cannot be decoded ends the answer with an error, and one whose text
        changes in the next prompt alters the conversation.
    Fix: Restore the vocabulary, the added_tokens and the normalizer of tokenizer.json from the original model.
    Source: https://github.com/huggingface/transformers/issues/27857
    """
    codec, declared = BatchCodec(tokenizer), pipeline(tokenizer)
    ids = sorted(set(declared.vocabulary.values()))
    entries = list(zip(ids, decoded(codec, ids), strict=True))
    changed = list(differing(codec, declared, entries))
    record.capability("tokenizer.ids_decoded", len(ids), evidence=incomplete(entries))
    if changed:
        report(tokenizer, codec, declared, changed, len(ids))


def decoded(codec: BatchCodec, ids: Sequence[int]) -> list[str]:
    """The text of each id alone; Defect for the first id that raises an exception."""
    __tracebackhide__ = True
    try:
        return codec.decode([[number] for number in ids])
    except Exception:
        for number in ids:
            one_decodes(codec, number)
        raise


def one_decodes(codec: BatchCodec, number: int) -> None:
    __tracebackhide__ = True
    try:
        codec.decode([[number]])
    except Exception as error:
        token = codec.tokenizer.convert_ids_to_tokens(number)
        cause = f"{type(error).__name__}: {error}"
        summary = f"The id {number} ({token!r}) cannot be decoded: {cause}."
        raise Defect(summary, evidence={"id": number, "token": token}) from None


def differing(codec: BatchCodec, declared: Pipeline, entries: Sequence[Entry]) -> Iterator[tuple[int, str, str]]:
    """Ids whose text comes back as another one that nothing declares, with both texts."""
    numbers = set(codec.tokenizer.added_tokens_decoder)
    plain = iter([entry for entry in entries if entry[0] not in numbers])
    added = [entry for entry in entries if entry[0] in numbers]
    while block := list(islice(plain, BLOCK)):
        joined = "\n".join(text for _, text in block)
        if encoded_again(codec, [joined]) != [joined]:
            yield from one_by_one(codec, declared, block)
    yield from one_by_one(codec, declared, added)


def encoded_again(codec: BatchCodec, texts: Sequence[str]) -> list[str]:
    """Each text, encoded and decoded. Blocked if that fails: `round-trip` reports it."""
    __tracebackhide__ = True
    try:
        return codec.round_trip(texts)
    except RuntimeError as error:
        raise Blocked("tokenizers/round-trip", f"decoded text cannot be encoded ({error})") from None


def one_by_one(codec: BatchCodec, declared: Pipeline, entries: Sequence[Entry]) -> Iterator[tuple[int, str, str]]:
    backs = encoded_again(codec, [text for _, text in entries])
    for (number, text), back in zip(entries, backs, strict=True):
        if back != text and not explained(codec, declared, text, back):
            yield number, text, back


def explained(codec: BatchCodec, declared: Pipeline, text: str, back: str) -> bool:
    """True for the declared form, and for texts with unknown characters or with tokens that strip white space."""
    if declared.backend is None:
        return codec.round_trip([back]) == [back]
    same = declared.comparable
    as_formed = same(back) == same(declared.declared_form(text)) and declared.restores(text)
    return same(back) == same(text) or as_formed or declared.spellable(text) != text


def report(
    tokenizer: Any, codec: BatchCodec, declared: Pipeline, changed: Sequence[tuple[int, str, str]], tried: int
) -> None:
    __tracebackhide__ = True
    number, text, back = changed[0]
    expected = declared.normalized(text)
    was, now = around(expected, back)
    rule = rule_behind(tokenizer, text)
    raise Defect(
        f"{len(changed)} of {tried} ids decode to text that changes when it is encoded and decoded again: the text of "
        f"id {number}, {was}, becomes {now} ({rule}).",
        evidence=case(
            tokenizer,
            text,
            codec.encode([text])[0],
            id=number,
            expected=escaped(expected),
            actual=escaped(back),
            rule=rule,
            more=[each[0] for each in changed[:20]],
        ),
    )


def incomplete(entries: Sequence[Entry]) -> dict[str, int]:
    """Numbers of ids that decode to a part of a character, and to nothing."""
    parts = sum("\ufffd" in text for _, text in entries)
    return {"parts of characters": parts, "empty": sum(not text for _, text in entries)}
