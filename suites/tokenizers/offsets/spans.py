"""Positions of tokens in the text that they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from suites.findings import Defect
from suites.tokenizers.checked_calls import call_or_skip
from suites.tokenizers.tokenization_pipeline import pipeline


@dataclass(frozen=True)
class Token:
    """A token and its characters `start` to `end` in text number `text`, which is None for an added token."""

    index: int
    id: int
    text: int | None
    start: int
    end: int


@dataclass(frozen=True)
class LocatedTokens:
    """The tokens of a call with their positions; `raw` is the encoding that the library returns."""

    raw: Any
    texts: tuple[str, ...]
    tokens: list[Token]

    def of(self, text: int) -> list[Token]:
        return [token for token in self.tokens if token.text == text]

    @property
    def ids(self) -> list[int]:
        return [token.id for token in self.tokens]


def locate(tokenizer: Any, text: str, pair: str | None = None) -> LocatedTokens:
    """Encodes a text, or a pair, with special tokens and offsets."""
    __tracebackhide__ = True
    call_or_skip(tokenizer, text, pair)
    raw = tokenizer(text, pair, return_offsets_mapping=True, verbose=False)
    ids, offsets, sequences = raw["input_ids"], raw["offset_mapping"], raw.sequence_ids()
    if not len(ids) == len(offsets) == len(sequences):
        raise Defect(
            f"A call returns {len(ids)} ids, but {len(offsets)} offsets and {len(sequences)} sequence ids.",
            evidence={"ids": ids, "offsets": [list(each) for each in offsets], "sequence_ids": sequences},
        )
    tokens = [Token(number, *each) for number, each in enumerate(flat(ids, offsets, sequences))]
    return LocatedTokens(raw, (text,) if pair is None else (text, pair), tokens)


def flat(ids: list[int], offsets: list[tuple[int, int]], sequences: list[int | None]) -> Any:
    return ((one, text, *span) for one, text, span in zip(ids, sequences, offsets, strict=True))


def own_text(tokenizer: Any, token: int) -> str | None:
    """The text that a token spells, without outer white space; None if it spells no complete text.

    Decoders treat the first token specially, so the token is decoded after a letter.
    """
    declared = pipeline(tokenizer)
    string = tokenizer.convert_ids_to_tokens(token)
    if string == declared.unknown or declared.backend is None or declared.backend.decoder is None:
        return None
    spelled = str(declared.backend.decoder.decode(["a", string]))
    suffix = getattr(declared.backend.model, "end_of_word_suffix", None)
    spelled = spelled.removesuffix(suffix) if suffix else spelled  # CLIP's class removes it after decoding
    return None if "\ufffd" in spelled or not spelled.startswith("a") else spelled[1:].strip()


def untouched(tokenizer: Any, text: str) -> bool:
    """True if the normalizer does not change the text, apart from the mark that it may write for spaces."""
    return pipeline(tokenizer).normalized(text).replace("▁", " ").strip() == text.replace("▁", " ").strip()


def shown(found: LocatedTokens) -> list[list[Any]]:
    """The tokens as evidence: id, number of the text, start, end."""
    return [[token.id, token.text, token.start, token.end] for token in found.tokens[:60]]
