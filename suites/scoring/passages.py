"""The corpus as token ids, and its log-probabilities, perplexity and bits per byte under a model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fixtures.inputs.corpora.corpus import Corpus, Text
from fixtures.models.loading import Loaded
from suites import scoring
from suites.findings import Blocked
from suites.running import generate
from suites.running.limits import vocabulary
from suites.scoring import dequantized

WINDOW = 2048
"""Longest input, in tokens; only the exhaustive profile has longer texts."""


@dataclass(frozen=True)
class Passage:
    """A text and its ids, without special tokens."""

    text: Text
    ids: tuple[int, ...]

    @property
    def bytes(self) -> int:
        return len(self.text.text.encode())


def passages(model: Any, tokenizer: Any, corpus: Corpus) -> list[Passage]:
    """Returns the texts of the corpus whose ids all have an embedding.

    Raises:
        Blocked: there is none.
    """
    rows = vocabulary(model)
    found = []
    for text in corpus.texts:
        ids = tokenizer(text.text, add_special_tokens=False)["input_ids"]
        if len(ids) > 1 and max(ids) < rows:
            found.append(Passage(text, tuple(ids)))
    if not found:
        summary = "no text of the corpus has embeddings for all its tokens"
        raise Blocked("tokenizers/ids-have-embedding-rows", summary)
    return found


def prefix(model: Any, tokenizer: Any) -> int | None:
    """Returns the id to put before a text: BOS, else EOS, as in lm-eval; None if there is neither."""
    given = (tokenizer.bos_token_id, tokenizer.eos_token_id)
    return next((int(each) for each in given if each is not None and each < vocabulary(model)), None)


def window(model: Any) -> int:
    return min(WINDOW, scoring.window_of(model))


def logprobs(loaded: Loaded, tokenizer: Any, corpus: Corpus) -> list[tuple[Passage, Any]]:
    """Returns each passage with the log-probabilities (nats) of its tokens, computed once for a variant."""

    def find() -> list[tuple[Passage, Any]]:
        with dequantized.active(loaded):
            return _scored(loaded.model, tokenizer, corpus)

    return loaded.once(f"logprobs {corpus.version}", find)


def remember(loaded: Loaded, corpus: Corpus, scored: list[tuple[Passage, Any]]) -> None:
    """Stores log-probabilities that were computed elsewhere for `logprobs`."""
    loaded.shared.setdefault(f"logprobs {corpus.version}", scored)


def _scored(model: Any, tokenizer: Any, corpus: Corpus) -> list[tuple[Passage, Any]]:
    every = passages(model, tokenizer, corpus)
    ids = [passage.ids for passage in every]
    with generate.refusals("A forward pass"):
        values = scoring.rolling(model, ids, prefix=prefix(model, tokenizer), window=window(model))
    return list(zip(every, values, strict=True))


def sums(scored: Sequence[tuple[Passage, Any]]) -> Any:
    """Returns for each passage its total loss in nats, scored tokens and bytes (passages x 3)."""
    import numpy

    return numpy.array([[-float(values.sum()), len(values), passage.bytes] for passage, values in scored])


def perplexity(rows: Any) -> Any:
    """Perplexity from (resampled) `sums`."""
    import numpy

    return numpy.exp(rows[..., 0].sum(axis=-1) / rows[..., 1].sum(axis=-1))


def bits_per_byte(rows: Any) -> Any:
    """Bits per byte from (resampled) `sums`; does not depend on the vocabulary."""
    return rows[..., 0].sum(axis=-1) / rows[..., 2].sum(axis=-1) / math.log(2)
