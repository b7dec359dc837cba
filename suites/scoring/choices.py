"""Log-likelihoods of continuations behind contexts, as multiple choice needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from suites.scoring import packing, scores, trying
from suites.scoring.rows import Row, plain

Request = tuple[Sequence[int], Sequence[int]]


@dataclass(frozen=True)
class Scored:
    """One continuation behind its context."""

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
) -> list[Scored]:
    """Scores (context ids, continuation ids), in any order; the answers come in the order of the requests.

    An empty context is replaced by `prefix` (ValueError without one). What is longer than `window` (default: that of
    the model) loses ids on the left, as in lm-eval; a continuation that alone is longer is a ValueError.
    """
    rows = [row_of(context, continuation, prefix, window or window_of(model)) for context, continuation in requests]
    tokens = batch_tokens or scores.batch_tokens(model)
    made, shares = packing.shared(rows, packing.longest_allowed(model), tokens)
    if not trying.packs(model, made):
        made, shares = packing.shared(rows, 0, tokens)
    logprobs, greedy = scores.scored(model, made, tokens, greedy=True)
    return [_answer(row, logprobs[share.row], greedy[share.row], share.first)
            for row, share in zip(rows, shares, strict=True)]  # fmt: skip


def _answer(row: Row, logprobs: Any, greedy: Any, first: int) -> Scored:
    own = slice(first, first + len(row.targets))
    return Scored(float(logprobs[own].sum()), len(row.targets), bool(greedy[own].all()))


def row_of(context: Sequence[int], continuation: Sequence[int], prefix: int | None, window: int) -> Row:
    """A request as a row, cut to the window."""
    given = [*context] if context or prefix is None else [prefix]
    if not given:
        raise ValueError("an empty context needs a prefix token")
    if len(continuation) > window:
        raise ValueError(f"a continuation of {len(continuation)} tokens is longer than the window of {window}")
    kept = window + 1 - len(continuation)
    return plain(given[-kept:], continuation)


def window_of(model: Any) -> int:
    """The longest input of a model by its config; 2048 where the config does not say, as in lm-eval."""
    config = model.config.get_text_config(decoder=True)
    given = (getattr(config, name, None) for name in ("n_positions", "max_position_embeddings", "n_ctx"))
    return next((value for value in given if isinstance(value, int) and value > 0), 2048)
