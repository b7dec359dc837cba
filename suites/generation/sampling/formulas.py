"""Reference formulas of logits processors from their documentation, in numpy, float64.

Source: https://huggingface.co/docs/transformers/internal/generation_utils (logits processors)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy

if TYPE_CHECKING:
    Row = numpy.ndarray[Any, numpy.dtype[numpy.float64]]
    Ids = Sequence[int]
    Formula = Callable[[Row, Ids, int], Row]

FLOAT32_EPS = float(numpy.finfo(numpy.float32).eps)
TOP_K, TOP_P, MIN_P, TEMPERATURE, PENALTY, BIAS = 5, 0.7, 0.1, 0.5, 1.3, 4.0
FORBIDDEN = -numpy.inf


@dataclass(frozen=True)
class Case:
    """Settings of `generate`, and the scores that must result from the model's logits."""

    name: str
    settings: dict[str, Any]
    formula: Formula
    """Scores of a row from (its logits, all ids before it, number of new ids among them)."""
    near_threshold: Callable[[Row], Any] = field(default=lambda logits: numpy.zeros(len(logits), dtype=bool))
    """Ids that rounding may put on either side of the threshold."""


def cases(prompt: Ids, best: int, *, steps: int) -> list[Case]:
    """Returns every case; `prompt` has repeated ids, and `best` is the model's likeliest first id."""
    last, other = prompt[-1], prompt[0]
    banned = {"bad_words_ids": [[best], [last, other]]}
    drawn: dict[str, Any] = {"do_sample": True, "top_k": 0}
    return [
        Case("temperature", drawn | {"temperature": TEMPERATURE}, lambda x, ids, new: x / TEMPERATURE),
        Case("top_k", drawn | {"top_k": TOP_K}, lambda x, ids, new: top_k(x)),
        Case("top_p", drawn | {"top_p": TOP_P}, lambda x, ids, new: top_p(x), near_top_p),
        Case("min_p", drawn | {"min_p": MIN_P}, lambda x, ids, new: min_p(x), near_min_p),
        Case(
            "temperature before top_k before top_p",
            drawn | {"temperature": TEMPERATURE, "top_k": TOP_K, "top_p": TOP_P},
            lambda x, ids, new: top_p(top_k(x / TEMPERATURE)),
            lambda x: near_top_p(top_k(x / TEMPERATURE)),
        ),
        Case("repetition_penalty", {"repetition_penalty": PENALTY}, lambda x, ids, new: penalized(x, ids)),
        Case("no_repeat_ngram_size", {"no_repeat_ngram_size": 2}, lambda x, ids, new: without_pairs(x, ids)),
        Case("bad_words_ids", banned, lambda x, ids, new: without(x, [best, *([other] if ids[-1:] == [last] else [])])),
        Case("suppress_tokens", {"suppress_tokens": [best, last]}, lambda x, ids, new: without(x, [best, last])),
        Case(
            "begin_suppress_tokens",
            {"begin_suppress_tokens": [best]},
            lambda x, ids, new: x if new else without(x, [best]),
        ),
        Case(
            "forced_eos_token_id",
            {"forced_eos_token_id": other},
            lambda x, ids, new: only(x, other) if new == steps - 1 else x,
        ),
        Case("sequence_bias", {"sequence_bias": [[[other], BIAS]]}, lambda x, ids, new: raised(x, other)),
        Case("renormalize_logits", {"renormalize_logits": True}, lambda x, ids, new: x - logsumexp(x)),
    ]


def logsumexp(row: Row) -> float:
    most = row.max()
    return float(most + numpy.log(numpy.exp(row - most).sum()))


def probabilities(row: Row) -> Row:
    return numpy.asarray(numpy.exp(row - logsumexp(row)))


def top_k(row: Row) -> Row:
    """Allows the k largest, and all that equal the smallest of them."""
    return numpy.where(row >= numpy.sort(row)[-min(TOP_K, len(row))], row, FORBIDDEN)


def top_p(row: Row) -> Row:
    """Allows an id if the more probable ones have less than p together."""
    return numpy.where(_mass_above(row)[0] < TOP_P, row, FORBIDDEN)


def near_top_p(row: Row) -> Any:
    """Ids near the threshold: float32 sums over a vocabulary err by its square root, and equal logits have no order."""
    above, with_equals = _mass_above(row)
    slack = 8 * FLOAT32_EPS * numpy.sqrt(len(row))
    return (above < TOP_P + slack) & (with_equals >= TOP_P - slack)


def _mass_above(row: Row) -> tuple[Row, Row]:
    """For every id, the probability of all more probable ids, and the same including equally probable ones."""
    mass = probabilities(row)
    order = numpy.sort(row)[::-1]
    sums = numpy.concatenate([[0.0], numpy.cumsum(numpy.sort(mass)[::-1])])
    above = sums[numpy.searchsorted(-order, -row, side="left")]
    return above, sums[numpy.searchsorted(-order, -row, side="right")] - mass


def min_p(row: Row) -> Row:
    """Allows ids whose probability is at least this share of the largest."""
    return numpy.where(row >= row.max() + numpy.log(MIN_P), row, FORBIDDEN)


def near_min_p(row: Row) -> Any:
    return numpy.abs(row - row.max() - numpy.log(MIN_P)) <= 16 * FLOAT32_EPS * (1 + numpy.abs(row).max())


def penalized(row: Row, ids: Ids) -> Row:
    """Lowers the logits of ids that occurred before by the factor."""
    seen = numpy.isin(numpy.arange(len(row)), list(ids))
    return numpy.where(seen, numpy.where(row < 0, row * PENALTY, row / PENALTY), row)


def without_pairs(row: Row, ids: Ids) -> Row:
    """Forbids ids that would repeat a pair."""
    return without(row, [after for before, after in pairwise(ids) if before == ids[-1]])


def without(row: Row, ids: Ids) -> Row:
    row = row.copy()
    row[list(ids)] = FORBIDDEN
    return row


def only(row: Row, token: int) -> Row:
    forced = numpy.full_like(row, FORBIDDEN)
    forced[token] = 0.0
    return forced


def raised(row: Row, token: int) -> Row:
    row = row.copy()
    row[token] += BIAS
    return row
