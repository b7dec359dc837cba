from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.text.differences import first_difference
from suites.evidence import escaped
from suites.findings import Defect, NotApplicable, Record
from suites.tokenizers.encoding import encode
from suites.tokenizers.evidence import case
from suites.tokenizers.special import special_tokens
from suites.tokenizers.special_tokens.adjacent_tokens import de_bruijn_sequence, longest_matches, thin_families

MOST = {"quick": 160, "standard": 320, "exhaustive": 640}
"""Special tokens that are paired at most, by profile."""


@needs("marks_in_text")
@uses("text")
def test_special_pairs_atomic(tokenizer: Any, record: Record, profile: str) -> None:
    """Any two special tokens, one directly after the other, become exactly their ids; the longest match wins.

    Why: templates write markers side by side; if one is the beginning of another, or two together spell a third, the
        model sees tokens that the template did not write.
    Fix: List both tokens in added_tokens of tokenizer.json with the same flags (normalized, single_word, special).
    Source: https://huggingface.co/docs/tokenizers/api/added-tokens;
        https://github.com/huggingface/transformers/pull/13220
    """
    entries = special_tokens(tokenizer)
    # A single_word token is declared to be plain text directly next to a letter.
    names = thin_families([token for token, entry in entries.items() if token and not entry.single_word])
    names = names[: MOST[profile]]
    text = "".join(names[number] for number in de_bruijn_sequence(len(names)))
    record.capability("tokenizer.special_pairs_tested", len(names) ** 2, evidence={"tokens": len(names)})
    if not names:
        raise NotApplicable("the tokenizer has no special tokens that may stand side by side")
    known = sorted({*entries, *matched_first(tokenizer)})
    if not as_matched(tokenizer, known, text):
        for pair in wrong_pairs(tokenizer, known, names):
            report(tokenizer, known, pair)
        report(tokenizer, known, tuple(names[number] for number in de_bruijn_sequence(len(names))))


def matched_first(tokenizer: Any) -> set[str]:
    """Added tokens that are matched before any normalizer, flagged special or not."""
    return {token.content for token in tokenizer.added_tokens_decoder.values() if not token.normalized}


def as_matched(tokenizer: Any, known: Sequence[str], text: str) -> bool:
    return encode(tokenizer, text) == matched(tokenizer, known, text)


def matched(tokenizer: Any, known: Sequence[str], text: str) -> list[int]:
    """The ids by the longest match from the left."""
    return list(tokenizer.convert_tokens_to_ids(list(longest_matches(text, known))))


def wrong_pairs(tokenizer: Any, known: Sequence[str], names: Sequence[str]) -> list[tuple[str, str]]:
    """The first pair that alone gets wrong ids, or none."""
    for first in names:
        if as_matched(tokenizer, known, "".join(first + second for second in names)):
            continue
        for second in names:
            if not as_matched(tokenizer, known, first + second):
                return [(first, second)]
    return []


def report(tokenizer: Any, known: Sequence[str], parts: Sequence[str]) -> None:
    __tracebackhide__ = True
    text = "".join(parts)
    ids, expected = encode(tokenizer, text), matched(tokenizer, known, text)
    start = first_difference(ids, expected)
    shown = f"{parts[0]} and {parts[1]}" if len(parts) == 2 else escaped(text)
    actual, meant = (tokenizer.convert_ids_to_tokens(each[start : start + 2]) for each in (ids, expected))
    raise Defect(
        f"The special tokens {shown}, one directly after the other, become {actual} instead of "
        f"{meant}{longer_token(known, parts)}.",
        evidence=case(tokenizer, text, ids, expected=expected[:60]),
    )


def longer_token(known: Sequence[str], parts: Sequence[str]) -> str:
    """A possible cause in brackets: another token that begins with one of the parts."""
    for part in parts:
        for other in known:
            if other != part and other.startswith(part):
                return f" ({part} is the beginning of {other})"
    return ""
