"""Whether exchanging weights makes plain text likelier, found out once for each loaded model."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fixtures.models.loading import Loaded
from fixtures.models.weight_statistics import Stored
from fixtures.subjects.subject import Subject
from suites.integrity.pairing import fit, likelihood
from suites.integrity.pairing.likelihood import Row
from suites.integrity.weights import repairs
from suites.integrity.weights.repairs import Repair

WORK = {"quick": 1.5e11, "standard": 6e11, "exhaustive": 3e12}
"""Tokens times parameters that a search may take: some ten runs over a text for SmolLM2, hundreds for a toy."""
FEW = 128
"""Tokens of a text that a model at chance is tried with."""
HINTED, UNHINTED = 2.0, 3.5
"""Standard errors by which the loss must fall: where the order of the layers says the same, and where nothing does."""


@dataclass(frozen=True)
class Gain:
    """What a repair is worth, in nats per token."""

    repair: str
    loss: float
    repaired: float
    error: float
    """Standard error of their difference."""

    @property
    def gain(self) -> float:
        return self.loss - self.repaired


def found(subject: Subject, tokenizer: Any, loaded: Loaded, stored: dict[str, Stored], profile: str) -> Gain | None:
    """The repair after which plain text is clearly likelier; None as a rule."""
    return loaded.once("misplaced", lambda: _found(subject, tokenizer, loaded, stored, profile))


def _found(subject: Subject, tokenizer: Any, loaded: Loaded, stored: dict[str, Stored], profile: str) -> Gain | None:
    rows, text = fit.plain_text(subject, tokenizer, loaded, profile)
    if len(rows) < 2 or not text.predictions or not math.isfinite(text.loss):
        return None
    hinted = _best(loaded.model, rows, repairs.suggested(stored, loaded.model))
    if hinted and hinted.gain > HINTED * hinted.error:
        return hinted
    if fit.first_strange(text, fit.chance(tokenizer)) != 0:
        return None
    return _searched(tokenizer, loaded, rows, WORK[profile] / max(1, subject.traits.parameters))


def _searched(tokenizer: Any, loaded: Loaded, rows: list[Row], tokens: float) -> Gain | None:
    """For a model to which the order of words means nothing: the repair after which it does, within so many tokens."""
    known = list(repairs.every(loaded.model))
    part = rows[: max(2, int(max(FEW, tokens / max(1, len(known))) // likelihood.LENGTH))]
    best = _best(loaded.model, part, known[: int(tokens / sum(len(row) for _, row in part))])
    if best is None or best.gain < UNHINTED * best.error:
        return None
    repair = next(each for each in known if each.what == best.repair)
    with repair.made():
        after = likelihood.measured(loaded.model, rows)
    return best if fit.first_strange(after, fit.chance(tokenizer)) is None else None


def _best(model: Any, rows: list[Row], tried: Iterable[Repair]) -> Gain | None:
    before: list[float] = []
    best: Gain | None = None
    for repair in tried:
        before = before or losses(model, rows)
        with repair.made():
            after = losses(model, rows)
        new = gain(repair.what, before, after)
        if math.isfinite(new.repaired) and (best is None or new.gain > best.gain):
            best = new
    return best


def losses(model: Any, rows: list[Row]) -> list[float]:
    """Of every token of the rows, in nats."""
    return [loss for row in likelihood.losses(model, [row for _, row in rows]) for loss in row]


def gain(what: str, before: list[float], after: list[float]) -> Gain:
    """What the same tokens cost before and after a repair."""
    gains = [one - other for one, other in zip(before, after, strict=True)]
    mean = sum(gains) / len(gains)
    spread = math.sqrt(sum((gain - mean) ** 2 for gain in gains) / max(1, len(gains) - 1))
    return Gain(what, sum(before) / len(before), sum(after) / len(after), spread / math.sqrt(len(gains)))
