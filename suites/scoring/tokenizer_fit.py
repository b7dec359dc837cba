"""Tests whether the weights were trained on the tokenizer's ids, once for each loaded model."""

from __future__ import annotations

import math
from typing import Any

from fixtures.models.loading import Loaded
from fixtures.subjects.subject import Subject
from suites.running.limits import vocabulary
from suites.scoring import likelihood
from suites.scoring.likelihood import Likelihood, Row

TOKEN_PARAMETERS = {"quick": 5e10, "standard": 2e11, "exhaustive": 1e12}
"""Tokens times parameters."""
MIN_TOKENS, MAX_TOKENS = 200, 4000
WORSE_THAN_CHANCE = 1.5
"""Times the loss of a uniform guess; no healthy model is that sure of wrong tokens, whatever it was trained on."""
CERTAIN_ERRORS, CLEAR_ERRORS = 3, 5
"""Standard errors: a gain below the first may be chance; a difference beyond the second is not."""


def plain_text(subject: Subject, tokenizer: Any, loaded: Loaded, profile: str) -> tuple[list[Row], Likelihood]:
    """Returns lines of plain text as ids, and their likelihood."""
    return loaded.once("plain text", lambda: _plain_text(subject, tokenizer, loaded.model, profile))


def _plain_text(subject: Subject, tokenizer: Any, model: Any, profile: str) -> tuple[list[Row], Likelihood]:
    tokens = int(min(MAX_TOKENS, max(MIN_TOKENS, TOKEN_PARAMETERS[profile] / max(1, subject.traits.parameters))))
    known = vocabulary(model)
    rows = [row for row in likelihood.texts(tokenizer, tokens) if max(row[1]) < known]
    return rows, likelihood.measure(model, rows)


def chance_loss(tokenizer: Any) -> float:
    """Returns the loss of a uniform guess over the vocabulary."""
    return math.log(max(2, len(tokenizer)))


def first_unknown_id(found: Likelihood, chance: float) -> int | None:
    """Returns the id from which on tokens mean nothing to the model: 0 for all, None if it knows all.

    A token is known if the model predicts it better in the order of the text than shuffled.
    """
    if not found.predictions:
        return None
    if found.loss >= WORSE_THAN_CHANCE * chance or (found.gain < CERTAIN_ERRORS * found.error and found.loss >= chance):
        return 0
    ids = sorted(each.token for each in found.predictions)
    starts = (ids[len(ids) * quarter // 4] for quarter in (1, 2, 3))
    return next((start for start in starts if _unknown_from(found, start, chance)), None)


def _unknown_from(found: Likelihood, start: int, chance: float) -> bool:
    """True only if the ids are unknown in every kind of text, not just in a language that the model never saw."""
    below, above = found.split_at(start)
    groups = [group.split_at(start) for group in found.groups().values()]
    return (
        below.gain - above.gain > CLEAR_ERRORS * math.hypot(below.error, above.error)
        and below.gain > 1
        and above.gain < CERTAIN_ERRORS * above.error
        and above.loss >= chance
        and len(groups) > 1
        and all(high.gain < low.gain / 2 and high.loss >= chance for low, high in groups)
    )
