"""Which tokens a text can become: merges that lead to them, and a normalizer that leaves their letters alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from suites.tokenizers.batch_codec import BatchCodec
from suites.tokenizers.encoding import panics_as_errors
from suites.tokenizers.tokenization_pipeline import Pipeline, without_space

BYTE_TOKEN = re.compile(r"<0x[0-9A-Fa-f]{2}>")
SAMPLE = 20_000
"""Tokens that are looked at, evenly over the ids: enough for a share, a fifth of a second instead of two."""
BLOCK = 512
Entry = tuple[str, int]


def sample(tokenizer: Any, declared: Pipeline) -> list[Entry]:
    """Ordinary tokens with their ids: neither added ones nor bytes."""
    added = set(tokenizer.added_tokens_decoder)
    ordered = sorted(declared.vocabulary.items(), key=lambda entry: entry[1])
    plain = [(token, number) for token, number in ordered if number not in added and not BYTE_TOKEN.fullmatch(token)]
    return plain[:: -(-len(plain) // SAMPLE) or 1]


def split_by_model(declared: Pipeline, entries: Sequence[Entry]) -> list[Entry]:
    """Tokens that the model makes other tokens of.

    What a model makes of a piece does not depend on what stands around it: tokens that BPE does not merge alone it
    merges nowhere. Unigram may: it counts here only where it chooses other pieces for the token alone. WordPiece and
    WordLevel take whole tokens; a BPE with dropout gives another answer each time.
    """
    model = declared.backend.model
    if type(model).__name__ not in ("BPE", "Unigram") or getattr(model, "dropout", None):
        return []
    suffix = getattr(model, "end_of_word_suffix", None) or ""
    whole = [entry for entry in entries if entry[0].endswith(suffix)]  # the others cannot stand alone
    return [entry for entry in whole if ids_of(model, entry[0].removesuffix(suffix)) != [entry[1]]]


def ids_of(model: Any, piece: str) -> list[int]:
    try:
        with panics_as_errors():
            return [token.id for token in model.tokenize(piece)]
    except Exception:  # no unknown token
        return []


def rewritten_by_normalizer(declared: Pipeline, codec: BatchCodec, entries: Sequence[Entry]) -> list[Entry]:
    """Tokens whose text the normalizer turns into another, also between letters; white space aside."""
    if declared.backend.normalizer is None:
        return []
    texts = codec.decode([[number] for _, number in entries])
    pairs = [pair for pair in zip(entries, texts, strict=True) if "\ufffd" not in pair[1] and without_space(pair[1])]
    blocks = [pairs[start : start + BLOCK] for start in range(0, len(pairs), BLOCK)]
    touched = [block for block in blocks if changes(declared, "\n".join(text for _, text in block))]
    return [entry for block in touched for entry, text in block if changes(declared, text, inside=True)]


def changes(declared: Pipeline, text: str, *, inside: bool = False) -> bool:
    """True if the normalizer changes the text, and with `inside` also where it stands between letters."""
    if without_space(declared.normalized(text)) == without_space(text):
        return False
    return not inside or without_space(declared.normalized_inside(text)) != without_space(text)
