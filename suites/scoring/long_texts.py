"""Log-probabilities of every token of long texts, as needed for perplexity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from suites.scoring import scores
from suites.scoring.choices import window_of
from suites.scoring.rows import windows


def rolling(
    model: Any,
    texts: Sequence[Sequence[int]],
    *,
    prefix: int | None,
    window: int | None = None,
    batch_tokens: int | None = None,
) -> list[Any]:
    """Returns the log-probabilities (nats, float64) of the tokens of each text.

    Windows are lm-eval's: disjoint, with one token of context for the first token of each.

    Args:
        prefix: id before each text; without it the first token is not scored, and the text's array is one shorter.
    """
    import numpy

    pieces = [list(windows(text, prefix, window or window_of(model))) for text in texts]
    tokens = batch_tokens or scores.batch_tokens(model)
    values, _ = scores.scored(model, [row for rows in pieces for row in rows], tokens)
    found = iter(values)
    return [numpy.concatenate([numpy.zeros(0), *(next(found) for _ in rows)]) for rows in pieces]
