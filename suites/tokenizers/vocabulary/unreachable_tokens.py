"""Tokens that no text becomes: the model splits them, or the normalizer rewrites their text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from suites.tokenizers.batch_codec import BatchCodec
from suites.tokenizers.encoding import panics_as_errors
from suites.tokenizers.tokenization_pipeline import Pipeline, without_space

BYTE_TOKEN = re.compile(r"<0x[0-9A-Fa-f]{2}>")
SAMPLE = 20_000
"""Tokens that are tried, evenly over the ids; trying all takes two seconds instead of a fifth."""
BLOCK = 512
Entry = tuple[str, int]


def sample(tokenizer: Any, declared: Pipeline) -> list[Entry]:
    """Tokens with their ids, except added tokens and byte tokens."""
    added = set(tokenizer.added_tokens_decoder)
    ordered = sorted(declared.vocabulary.items(), key=lambda entry: entry[1])
    plain = [(token, number) for token, number in ordered if number not in added and not BYTE_TOKEN.fullmatch(token)]
    return plain[:: -(-len(plain) // SAMPLE) or 1]


def split_by_model(declared: Pipeline, entries: Sequence[Entry]) -> list[Entry]:
    """Tokens that the model splits into other tokens even when they stand alone.

    A token that BPE does not produce from its own text is never produced. Unigram may produce such a token in another
    context. WordPiece and WordLevel take whole tokens, and a BPE with dropout is random.
    """
    model = declared.backend.model
    if type(model).__name__ not in ("BPE", "Unigram") or getattr(model, "dropout", None):
        return []
    suffix = getattr(model, "end_of_word_suffix", None) or ""
    whole = [entry for entry in entries if entry[0].endswith(suffix)]  # others are not the end of a word
    return [entry for entry in whole if ids_of(model, entry[0].removesuffix(suffix)) != [entry[1]]]


def ids_of(model: Any, piece: str) -> list[int]:
    try:
        with panics_as_errors():
            return [token.id for token in model.tokenize(piece)]
    except Exception:  # no unknown token for it
        return []


def rewritten_by_normalizer(declared: Pipeline, codec: BatchCodec, entries: Sequence[Entry]) -> list[Entry]:
    """Tokens whose text the normalizer changes, also between letters, apart from white space."""
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
