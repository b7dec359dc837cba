"""Two models over the same tokens, compared chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from suites.scoring import scores
from suites.scoring.choices import window_of
from suites.scoring.reading import Reader, reader
from suites.scoring.rows import Row, windows

ROWS = 8
"""Of logits measured at once: what stays in a processor's cache, four times faster."""


@dataclass(frozen=True)
class Chunk:
    """Arrays of one length: what two models say to some tokens."""

    text: Any
    """Number of the text."""
    position: Any
    """Index of the token in its text."""
    token: Any
    full: Any
    """Its log-probability under the first model, nats."""
    other: Any
    """And under the second."""
    kl: Any
    """Kullback-Leibler divergence of the distributions it was predicted from, full from other, nats."""
    agree: Any
    """Whether the likeliest tokens are the same."""


def compare(
    full: Any,
    other: Any,
    texts: Sequence[Sequence[int]],
    *,
    prefix: int | None = None,
    window: int | None = None,
    batch_tokens: int | None = None,
    kept: dict[int, Any] | None = None,
) -> Iterator[Chunk]:
    """Scores every token of every text under both models; with `prefix` None, all but the first of each text.

    The chunks come longest window first. Only one chunk's logits exist at a time, under both models. In `kept`, the
    first model's states stay for the next comparison of the same texts: a few thousand bytes for each token.
    """
    import torch

    rows, origins = _pieces(texts, prefix, window or window_of(full))
    one, two = reader(full), reader(other)
    size = min(one.fits(full), two.fits(other))
    for number, batch in enumerate(scores.batched(rows, batch_tokens or scores.batch_tokens(full))):
        with torch.inference_mode():
            mine = kept[number] if kept and number in kept else scores.states(full, one, batch)
            its = scores.states(other, two, batch)
        if kept is not None and type(one) is not Reader:  # whose states are logits
            kept[number] = mine
        for part, targets in scores.chunks(batch, size):
            with torch.inference_mode():
                logits = one.logits(full, mine[part]), two.logits(other, its[part])
                found = _measured(*logits, torch.as_tensor(batch.places.token[targets]))
            where = [origins[row] for row in batch.places.row[targets]]
            position = numpy.array([first for _, first in where]) + batch.places.target[targets]
            yield Chunk(numpy.array([text for text, _ in where]), position, batch.places.token[targets], *found)


def _pieces(texts: Sequence[Sequence[int]], prefix: int | None, window: int) -> tuple[list[Row], list[tuple[int, int]]]:
    """Windows of all texts, and for each the number of its text and the position of its first target."""
    rows, origins = [], []
    for number, text in enumerate(texts):
        position = 1 if prefix is None else 0
        for row in windows(text, prefix, window):
            rows.append(row)
            origins.append((number, position))
            position += len(row.targets)
    return rows, origins


def _measured(full: Any, other: Any, token: Any) -> tuple[Any, Any, Any, Any]:
    """Log-probabilities of tokens under both, divergence and agreement, from logits (positions x vocabulary)."""
    import torch

    tokens = token.to(full.device)[:, None]
    parts = zip(full.split(ROWS), other.to(full.device).split(ROWS), tokens.split(ROWS), strict=True)
    found = zip(*(_of_rows(*part) for part in parts), strict=True)
    return tuple(torch.cat(values).cpu().numpy() for values in found)  # type: ignore[return-value]


def _of_rows(full: Any, other: Any, token: Any) -> tuple[Any, Any, Any, Any]:
    """Likewise of a few rows, in float64 where the device has it."""
    import torch

    exact = torch.float32 if full.device.type == "mps" else torch.float64
    one, two = full.to(exact).log_softmax(dim=-1), other.to(exact).log_softmax(dim=-1)
    kl = (one.exp() * (one - two)).masked_fill_(one == -torch.inf, 0).sum(dim=-1)  # 0 log 0 is 0; NaN stays
    likeliest = full.argmax(dim=-1) == other.argmax(dim=-1)
    return one.gather(1, token)[:, 0], two.gather(1, token)[:, 0], kl, likeliest
