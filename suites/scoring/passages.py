"""The corpus as token ids, and what a model makes of it: log-probabilities, perplexity, bits per byte."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fixtures.inputs.corpora.corpus import Corpus, Text
from fixtures.models.loading import Loaded
from suites import scoring
from suites.findings import Unsupported
from suites.running import generate
from suites.running.limits import vocabulary
from suites.scoring import dense

WINDOW = 2048
"""Tokens that are read at once at most: the corpus has no longer texts in any profile but the last."""


@dataclass(frozen=True)
class Passage:
    """A text and its ids, without special tokens."""

    text: Text
    ids: tuple[int, ...]

    @property
    def bytes(self) -> int:
        return len(self.text.text.encode())


def passages(model: Any, tokenizer: Any, corpus: Corpus) -> list[Passage]:
    """The corpus in the order of its texts.

    Raises:
        Unsupported: the tokenizer makes no ids of it that the model has rows for.
    """
    rows = vocabulary(model)
    found = []
    for text in corpus.texts:
        ids = tokenizer(text.text, add_special_tokens=False)["input_ids"]
        if len(ids) > 1 and max(ids) < rows:
            found.append(Passage(text, tuple(ids)))
    if not found:
        raise Unsupported("the tokenizer makes no ids of the corpus that the model has embeddings for")
    return found


def prefix(model: Any, tokenizer: Any) -> int | None:
    """What stands before a text: the beginning of a text, else its end, as in lm-eval; None where there is neither."""
    given = (tokenizer.bos_token_id, tokenizer.eos_token_id)
    return next((int(each) for each in given if each is not None and each < vocabulary(model)), None)


def window(model: Any) -> int:
    return min(WINDOW, scoring.window_of(model))


def logprobs(loaded: Loaded, tokenizer: Any, corpus: Corpus) -> list[tuple[Passage, Any]]:
    """For each passage the log-probability (nats) of every token; computed once for a variant."""
    key = f"logprobs {corpus.version}"
    if key not in loaded.shared:
        with dense.active(loaded):
            loaded.shared[key] = _scored(loaded.model, tokenizer, corpus)
    found: list[tuple[Passage, Any]] = loaded.shared[key]
    return found


def remember(loaded: Loaded, corpus: Corpus, scored: list[tuple[Passage, Any]]) -> None:
    """Keeps log-probabilities that were computed in another way."""
    loaded.shared.setdefault(f"logprobs {corpus.version}", scored)


def _scored(model: Any, tokenizer: Any, corpus: Corpus) -> list[tuple[Passage, Any]]:
    every = passages(model, tokenizer, corpus)
    ids = [passage.ids for passage in every]
    with generate.refusals("A forward pass"):
        values = scoring.rolling(model, ids, prefix=prefix(model, tokenizer), window=window(model))
    return list(zip(every, values, strict=True))


def sums(scored: Sequence[tuple[Passage, Any]]) -> Any:
    """For each passage its surprise in nats, its scored tokens and its bytes (passages x 3)."""
    import numpy

    return numpy.array([[-float(values.sum()), len(values), passage.bytes] for passage, values in scored])


def perplexity(rows: Any) -> Any:
    """Of resampled `sums`."""
    import numpy

    return numpy.exp(rows[..., 0].sum(axis=-1) / rows[..., 1].sum(axis=-1))


def bits_per_byte(rows: Any) -> Any:
    """Of resampled `sums`: a measure that does not depend on the vocabulary."""
    return rows[..., 0].sum(axis=-1) / rows[..., 2].sum(axis=-1) / math.log(2)
