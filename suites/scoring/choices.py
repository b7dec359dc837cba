"""Log-likelihoods of continuations after contexts, as needed for multiple choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from suites.scoring import packing, packing_probe, scores
from suites.scoring.rows import Row, continuation_row

Request = tuple[Sequence[int], Sequence[int]]


@dataclass(frozen=True)
class ContinuationScore:
    """Score of a continuation after its context."""

    logprob: float
    """Sum over its tokens, nats."""
    tokens: int
    greedy: bool
    """Every token was the likeliest one."""


def continuations(
    model: Any,
    requests: Sequence[Request],
    *,
    prefix: int | None = None,
    window: int | None = None,
    batch_tokens: int | None = None,
) -> list[ContinuationScore]:
    """Scores requests (context ids, continuation ids); returns the scores in their order.

    Args:
        prefix: replaces an empty context.
        window: longest input (default: the model's); longer ones lose ids on the left, as in lm-eval.

    Raises:
        ValueError: a context is empty without a prefix, or a continuation is longer than the window.
    """
    rows = [row_of(context, continuation, prefix, window or window_of(model)) for context, continuation in requests]
    tokens = batch_tokens or scores.batch_tokens(model)
    packed, locations = packing.packed(rows, packing.longest_allowed(model), tokens)
    if not packing_probe.can_pack(model, packed):
        packed, locations = packing.packed(rows, 0, tokens)
    logprobs, greedy = scores.scored(model, packed, tokens, greedy=True)
    return [
        _score(row, logprobs[location.row], greedy[location.row], location.first)
        for row, location in zip(rows, locations, strict=True)
    ]


def _score(row: Row, logprobs: Any, greedy: Any, first: int) -> ContinuationScore:
    own = slice(first, first + len(row.targets))
    return ContinuationScore(float(logprobs[own].sum()), len(row.targets), bool(greedy[own].all()))


def row_of(context: Sequence[int], continuation: Sequence[int], prefix: int | None, window: int) -> Row:
    """Returns a request as a row, cut to the window."""
    given = [*context] if context or prefix is None else [prefix]
    if not given:
        raise ValueError("an empty context needs a prefix token")
    if len(continuation) > window:
        raise ValueError(f"a continuation of {len(continuation)} tokens is longer than the window of {window}")
    length = window + 1 - len(continuation)
    return continuation_row(given[-length:], continuation)


def window_of(model: Any) -> int:
    """Returns the longest input of a model by its config; 2048 if the config has none, as in lm-eval."""
    config = model.config.get_text_config(decoder=True)
    given = (getattr(config, name, None) for name in ("n_positions", "max_position_embeddings", "n_ctx"))
    return next((value for value in given if isinstance(value, int) and value > 0), 2048)
