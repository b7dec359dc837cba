"""Compares the predictions of two models for the same tokens, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from suites.scoring import scores
from suites.scoring.body_and_head import Reader, reader
from suites.scoring.choices import window_of
from suites.scoring.rows import Row, windows

ROWS = 8
"""Rows of logits compared at once; they fit into a processor's cache, which is four times faster."""


@dataclass(frozen=True)
class Chunk:
    """Arrays with one value per token: the predictions of two models."""

    text: Any
    """Number of the text."""
    position: Any
    """Index of the token in its text."""
    token: Any
    full: Any
    """Log-probability of the token under the first model, nats."""
    other: Any
    """Likewise under the second model."""
    kl: Any
    """Kullback-Leibler divergence between the two predictions, of the second from the first, nats."""
    agree: Any
    """True if the likeliest tokens are the same."""


def compare(
    full: Any,
    other: Any,
    texts: Sequence[Sequence[int]],
    *,
    prefix: int | None = None,
    window: int | None = None,
    batch_tokens: int | None = None,
    states: dict[int, Any] | None = None,
) -> Iterator[Chunk]:
    """Yields the predictions of every token of every text by both models, longest windows first.

    Only the logits of one chunk exist at a time.

    Args:
        prefix: id before each text; without it the first token of a text is not predicted.
        states: stores the first model's states for another comparison of the same texts (some kB for each token).
    """
    import numpy
    import torch

    rows, origins = _pieces(texts, prefix, window or window_of(full))
    one, two = reader(full), reader(other)
    size = min(one.chunk_size(full), two.chunk_size(other))
    for number, batch in enumerate(scores.batched(rows, batch_tokens or scores.batch_tokens(full))):
        with torch.inference_mode():
            of_full = states[number] if states and number in states else scores.states(full, one, batch)
            of_other = scores.states(other, two, batch)
        if states is not None and type(one) is not Reader:  # the states of a Reader are logits, too large to store
            states[number] = of_full
        for part, selected in scores.chunks(batch, size):
            with torch.inference_mode():
                logits = one.logits(full, of_full[part]), two.logits(other, of_other[part])
                found = _compared(*logits, torch.as_tensor(batch.targets.token[selected]))
            origin = [origins[row] for row in batch.targets.row[selected]]
            position = numpy.array([first for _, first in origin]) + batch.targets.number[selected]
            yield Chunk(numpy.array([text for text, _ in origin]), position, batch.targets.token[selected], *found)


def _pieces(texts: Sequence[Sequence[int]], prefix: int | None, window: int) -> tuple[list[Row], list[tuple[int, int]]]:
    """Returns windows of all texts, each with the number of its text and the position of its first target."""
    rows, origins = [], []
    for number, text in enumerate(texts):
        position = 1 if prefix is None else 0
        for row in windows(text, prefix, window):
            rows.append(row)
            origins.append((number, position))
            position += len(row.targets)
    return rows, origins


def _compared(full: Any, other: Any, token: Any) -> tuple[Any, Any, Any, Any]:
    """Log-probabilities of tokens under both models, divergence and agreement, from logits (positions x vocabulary)."""
    import torch

    tokens = token.to(full.device)[:, None]
    parts = zip(full.split(ROWS), other.to(full.device).split(ROWS), tokens.split(ROWS), strict=True)
    found = zip(*(_of_rows(*part) for part in parts), strict=True)
    return tuple(torch.cat(values).cpu().numpy() for values in found)  # type: ignore[return-value]


def _of_rows(full: Any, other: Any, token: Any) -> tuple[Any, Any, Any, Any]:
    """Likewise for a few rows, in float64 if the device has it."""
    import torch

    exact = torch.float32 if full.device.type == "mps" else torch.float64
    one, two = full.to(exact).log_softmax(dim=-1), other.to(exact).log_softmax(dim=-1)
    kl = (one.exp() * (one - two)).masked_fill_(one == -torch.inf, 0).sum(dim=-1)  # 0 log 0 is 0; NaN stays
    likeliest = full.argmax(dim=-1) == other.argmax(dim=-1)
    return one.gather(1, token)[:, 0], two.gather(1, token)[:, 0], kl, likeliest
