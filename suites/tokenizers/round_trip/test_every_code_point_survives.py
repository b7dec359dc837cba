from __future__ import annotations

import heapq
import time
from typing import Any

from fixtures.session.uses import uses
from suites.evidence import around, escaped
from suites.findings import Defect, Hazard, Record
from suites.tokenizers.batch_codec import BatchCodec
from suites.tokenizers.evidence import case
from suites.tokenizers.round_trip.code_points import (
    REPLACEMENT,
    Sweep,
    chunks,
    extent,
    readable,
    smallest,
)
from suites.tokenizers.rules import rule_behind
from suites.tokenizers.tokenization_pipeline import pipeline

TIME_LIMIT = 10.0
"""Seconds. In profile quick, a tokenizer without backend that would take longer is tried with every 16th chunk."""


@uses("text")
def test_every_code_point_survives(tokenizer: Any, record: Record, profile: str) -> None:
    """Each of the 1,112,064 Unicode scalar values comes back unchanged or as declared, or becomes the unknown token.

    Why: a character that vanishes silently changes a name or a number, and no sample of texts shows it.
    Fix: Restore the byte tokens of the vocabulary, the normalizer and the decoder of tokenizer.json from the original
        model.
    Source: https://github.com/google/sentencepiece/blob/master/doc/special_symbols.md;
        https://github.com/ollama/ollama/pull/15232
    """
    check_unknown_token(tokenizer)
    codec = BatchCodec(tokenizer)
    sweep = Sweep(codec, pipeline(tokenizer))
    run(sweep, step(codec, profile))
    by_fate = counted(sweep)
    surviving = 1 - sum(each["assigned"] for each in by_fate.values()) / sweep.assigned
    evidence = {"tried": sweep.tried, "assigned": sweep.assigned, **by_fate}
    record.capability("tokenizer.unicode_coverage", coverage(sweep, surviving), evidence=evidence)
    record.metric(
        "tokenizer.unicode_coverage", surviving, "share of assigned characters", better="higher", samples=sweep.tried
    )
    check_altered(sweep)
    check_byte_fallback(sweep)
    check_missing_bytes(sweep)
    check_vanished(sweep)
    check_removed(sweep)


def check_unknown_token(tokenizer: Any) -> None:
    """Raises Defect if unk_id of a Unigram model points to another token than unk_token."""
    __tracebackhide__ = True
    model, named = pipeline(tokenizer).unigram, tokenizer.unk_token
    if model is None or model.unknown is None or named is None or model.unknown == named:
        return
    raise Defect(
        f"Unknown characters become {escaped(model.unknown)}, to which unk_id of the model points, but the unknown "
        f"token of the tokenizer is {named}.",
        evidence={
            "unk_id": tokenizer.convert_tokens_to_ids(model.unknown),
            "unk_token_id": tokenizer.unk_token_id,
            "tokens": [model.unknown, named],
        },
        fix=f"Set unk_id in the model of tokenizer.json to {tokenizer.unk_token_id}, the id of {named}.",
    )


def step(codec: BatchCodec, profile: str) -> int:
    """1 for every chunk, 16 for every 16th if the wrapper is slow and the profile is quick."""
    if codec.fast or profile != "quick":
        return 1
    texts = list(chunks(64))
    started = time.perf_counter()
    codec.round_trip(texts[:2])
    return 16 if (time.perf_counter() - started) * len(texts) * 32 > TIME_LIMIT else 1


def run(sweep: Sweep, step: int) -> None:
    """Runs the sweep; raises Defect with the smallest text that cannot be encoded and decoded."""
    __tracebackhide__ = True

    def error(text: str) -> Exception | None:
        try:
            sweep.codec.round_trip([sweep.join(text)])
        except Exception as caught:
            return caught
        return None

    try:
        sweep.run(step)
    except Exception:
        if not error(sweep.chunk):
            raise
        text = smallest(sweep.chunk, lambda part: error(part) is not None)
        raise Defect(
            f"The text {escaped(text)} cannot be encoded and decoded: {error(text)}.",
            evidence={"text": escaped(text), "rule": rule_behind(sweep.codec.tokenizer, text)},
        ) from None


def check_altered(sweep: Sweep) -> None:
    """Raises Defect for characters that come back as others, in the model or between pre-tokenizer and decoder."""
    __tracebackhide__ = True
    tokenizer = sweep.codec.tokenizer
    if sweep.wrong:
        first = sweep.wrong[0]
        was, now = around(first.expected, first.actual)
        rule = rule_behind(tokenizer, first.text)
        raise Defect(
            f"{len(sweep.wrong)} characters or texts of {sweep.tried} code points come back as other text: {was} "
            f"becomes {now} ({rule}).",
            evidence=case(
                tokenizer,
                first.text,
                sweep.codec.encode([first.text])[0],
                expected=escaped(first.expected),
                actual=escaped(first.actual),
                rule=rule,
                **shown({each.text for each in sweep.wrong}),
            ),
        )
    if sweep.rewritten and "CTC" not in sweep.declared.decoders:
        text = min(sweep.rewritten)
        rule = rule_behind(tokenizer, text)
        raise Defect(
            f"Pre-tokenizer and decoder change {len(sweep.rewritten)} characters: {escaped(text)} becomes "
            f"{escaped(sweep.declared.declared_form(text))} ({rule}).",
            evidence=case(tokenizer, text, sweep.codec.encode([text])[0], rule=rule, **shown(sweep.rewritten)),
            fix="Restore pre_tokenizer and decoder of tokenizer.json from the original model.",
        )


def check_byte_fallback(sweep: Sweep) -> None:
    """Raises Defect if the vocabulary has a token for every byte but byte_fallback is off."""
    __tracebackhide__ = True
    declared, lost = sweep.declared, sweep.unknown | sweep.vanished
    if not lost or declared.backend is None or declared.spells_bytes:
        return
    if all(f"<0x{byte:02X}>" in declared.vocabulary for byte in range(256)):
        tokenizer, text = sweep.codec.tokenizer, example(lost)
        fate = f"become {declared.unknown}" if declared.unknown else "vanish"
        raise Defect(
            f"byte_fallback is false although the vocabulary has all 256 byte tokens: {counts(lost)} characters {fate} "
            "although byte tokens could spell them.",
            evidence=case(tokenizer, text, sweep.codec.encode([text])[0], **shown(lost)),
            fix="Set byte_fallback to true in the model of tokenizer.json.",
        )


def check_missing_bytes(sweep: Sweep) -> None:
    """Raises Hazard if bytes have no token, of a tokenizer that spells unknown characters in bytes."""
    __tracebackhide__ = True
    missing, lost = sweep.declared.bytes_missing, sweep.vanished | sweep.unknown
    if not missing or sweep.declared.backend is None:
        return
    named = ", ".join(f"0x{byte:02X}" for byte in missing)
    fate = f"become {sweep.declared.unknown}" if sweep.declared.unknown else "vanish"
    raise Hazard(
        f"{len(missing)} of {256 - 13} bytes have no token ({named}): {counts(lost)} characters that need them {fate}.",
        evidence={"bytes": [f"0x{byte:02X}" for byte in missing], **shown(lost)},
        fix="Add the missing byte tokens to the vocabulary, or keep such characters out of the input.",
    )


def check_vanished(sweep: Sweep) -> None:
    __tracebackhide__ = True
    if not sweep.vanished:
        return
    tokenizer, text = sweep.codec.tokenizer, example(sweep.vanished)
    raise Hazard(
        f"{counts(sweep.vanished)} characters vanish: the vocabulary cannot spell them, and no unknown token replaces "
        "them.",
        evidence=case(
            tokenizer, text, sweep.codec.encode([text])[0], rule=rule_behind(tokenizer, text), **shown(sweep.vanished)
        ),
        fix="Set an unknown token (unk_token) in the model of tokenizer.json, or add byte tokens and byte_fallback.",
    )


def check_removed(sweep: Sweep) -> None:
    """Raises Hazard if the normalizer removes letters, numbers or symbols; others are often removed on purpose."""
    __tracebackhide__ = True
    letters = readable(sweep.dropped) - {REPLACEMENT}
    if not letters:
        return
    tokenizer, text = sweep.codec.tokenizer, min(letters)
    rule = rule_behind(tokenizer, text)
    raise Hazard(
        f"The normalizer removes {len(letters)} letters, numbers or symbols from the text, such as {escaped(text)} "
        f"({rule}).",
        evidence=case(tokenizer, text, sweep.codec.encode([text])[0], rule=rule, **shown(letters)),
        fix="Restore the normalizer of tokenizer.json from the original model.",
    )


def coverage(sweep: Sweep, surviving: float) -> str:
    """Value of the capability: the share of characters that survive, and the fates of the others."""
    parts = (
        (len(sweep.unknown), f"become {sweep.declared.unknown}"),
        (len(sweep.vanished), "give no token"),
        (len(sweep.dropped), "are dropped by the normalizer"),
    )
    fates = ", ".join(f"{count} {fate}" for count, fate in parts if count)
    return f"{100 * surviving:.1f}% of assigned characters ({fates})" if fates else "all code points"


def counted(sweep: Sweep) -> dict[str, dict[str, Any]]:
    """Numbers of lost characters by fate; each has one fate."""
    wrong = {each.text for each in sweep.wrong if len(each.text) == 1}
    fates = {"unknown": sweep.unknown, "vanished": sweep.vanished, "dropped": sweep.dropped, "wrong": wrong}
    return {name: extent(each) for name, each in fates.items() if each}


def shown(characters: set[str]) -> dict[str, Any]:
    """Evidence about characters: their number, their sorts, and the first 20."""
    single = {each for each in characters if len(each) == 1}
    first = [f"U+{ord(each):04X}" for each in heapq.nsmallest(20, single)]
    return {"count": len(characters), "extent": extent(single), "first": first}


def counts(characters: set[str]) -> str:
    """Numbers of the characters in words: '3 assigned and 2 private'."""
    numbers = extent(characters)
    kinds = [f"{numbers[kind]} {kind}" for kind in ("assigned", "private", "unassigned") if numbers[kind]]
    return " and ".join([", ".join(kinds[:-1]), kinds[-1]] if len(kinds) > 1 else kinds)


def example(characters: set[str]) -> str:
    """The first readable character, else the first."""
    return min(readable(characters) or characters)
