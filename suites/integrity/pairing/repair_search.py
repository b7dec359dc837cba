"""Searches for a repair of exchanged weights that makes plain text likelier, once for each loaded model."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fixtures.models.loading import Loaded
from fixtures.models.weight_statistics import TensorStatistics
from fixtures.subjects.subject import Subject
from suites.integrity.pairing import repairs
from suites.integrity.pairing.repairs import Repair
from suites.scoring import likelihood, tokenizer_fit
from suites.scoring.likelihood import Row

TOKEN_PARAMETERS = {"quick": 1.5e11, "standard": 6e11, "exhaustive": 3e12}
"""Tokens times parameters of a search: about ten passes over a text for SmolLM2, hundreds for a tiny model."""
MIN_TOKENS = 128
"""Tokens of text that each repair is tried with."""
HINTED_ERRORS, UNHINTED_ERRORS = 2.0, 3.5
"""Standard errors by which the loss must fall: if the order of the layers also suggests the repair, and if not."""


@dataclass(frozen=True)
class Gain:
    """Effect of a repair on the loss, in nats per token."""

    fault: str
    """The fault that was repaired, as a sentence."""
    loss: float
    repaired: float
    error: float
    """Standard error of the difference."""

    @property
    def gain(self) -> float:
        return self.loss - self.repaired


def best_repair(
    subject: Subject, tokenizer: Any, loaded: Loaded, stored: dict[str, TensorStatistics], profile: str
) -> Gain | None:
    """Returns the repair that makes plain text clearly likelier; None for a healthy model."""
    return loaded.once("best repair", lambda: _best_repair(subject, tokenizer, loaded, stored, profile))


def _best_repair(
    subject: Subject, tokenizer: Any, loaded: Loaded, stored: dict[str, TensorStatistics], profile: str
) -> Gain | None:
    rows, text = tokenizer_fit.plain_text(subject, tokenizer, loaded, profile)
    if len(rows) < 2 or not text.predictions or not math.isfinite(text.loss):
        return None
    suggested = repairs.suggested_repairs(stored, loaded.model)
    hinted = _best(loaded.model, rows, suggested)
    if hinted and hinted.gain > HINTED_ERRORS * hinted.error and _explains(hinted, suggested, tokenizer, loaded, rows):
        return hinted
    if tokenizer_fit.first_unknown_id(text, tokenizer_fit.chance_loss(tokenizer)) != 0:
        return None
    return _search(tokenizer, loaded, rows, TOKEN_PARAMETERS[profile] / max(1, subject.traits.parameters))


def _search(tokenizer: Any, loaded: Loaded, rows: list[Row], tokens: float) -> Gain | None:
    """Tries all repairs on a model that predicts text no better in order than shuffled, within `tokens` tokens."""
    candidates = list(repairs.all_repairs(loaded.model))
    part = rows[: max(2, int(max(MIN_TOKENS, tokens / max(1, len(candidates))) // likelihood.LENGTH))]
    best = _best(loaded.model, part, candidates[: int(tokens / sum(len(row) for _, row in part))])
    if best is None or best.gain < UNHINTED_ERRORS * best.error:
        return None
    return best if _explains(best, candidates, tokenizer, loaded, rows) else None


def _explains(best: Gain, candidates: list[Repair], tokenizer: Any, loaded: Loaded, rows: list[Row]) -> bool:
    """True if the repaired model predicts plain text: a better loss that stays bad has another cause."""
    repair = next(each for each in candidates if each.fault == best.fault)
    with repair.applied():
        after = likelihood.measure(loaded.model, rows)
    return tokenizer_fit.first_unknown_id(after, tokenizer_fit.chance_loss(tokenizer)) is None


def _best(model: Any, rows: list[Row], candidates: Iterable[Repair]) -> Gain | None:
    before: list[float] = []
    best: Gain | None = None
    for repair in candidates:
        before = before or losses(model, rows)
        with repair.applied():
            after = losses(model, rows)
        new = compare(repair.fault, before, after)
        if math.isfinite(new.repaired) and (best is None or new.gain > best.gain):
            best = new
    return best


def losses(model: Any, rows: list[Row]) -> list[float]:
    """Returns the loss of every token of the rows, in nats."""
    return [loss for row in likelihood.losses(model, [row for _, row in rows]) for loss in row]


def compare(fault: str, before: list[float], after: list[float]) -> Gain:
    """Compares the losses of the same tokens before and after a repair."""
    gains = [one - other for one, other in zip(before, after, strict=True)]
    mean = sum(gains) / len(gains)
    spread = math.sqrt(sum((gain - mean) ** 2 for gain in gains) / max(1, len(gains) - 1))
    return Gain(fault, sum(before) / len(before), sum(after) / len(after), spread / math.sqrt(len(gains)))
