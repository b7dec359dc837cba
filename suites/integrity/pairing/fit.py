"""Whether a tokenizer's ids are those of the weights, found out once for each loaded model."""

from __future__ import annotations

import math
from typing import Any

from fixtures.models.loading import Loaded
from fixtures.subjects.subject import Subject
from suites.integrity.pairing import likelihood
from suites.integrity.pairing.likelihood import Likelihood, Row

WORK = {"quick": 5e10, "standard": 2e11, "exhaustive": 1e12}
"""Tokens times parameters."""
FEWEST, MOST = 200, 4000
WORSE_THAN_CHANCE = 1.5
"""Times the loss of chance: no sound model is that sure of the wrong tokens, whatever it was trained on."""
SURE, CLEAR = 3, 5
"""Standard errors: below the first a gain may be chance; beyond the second a difference is none."""


def plain_text(subject: Subject, tokenizer: Any, loaded: Loaded, profile: str) -> tuple[list[Row], Likelihood]:
    """The texts, and how likely they are."""
    if "plain text" not in loaded.shared:
        tokens = int(min(MOST, max(FEWEST, WORK[profile] / max(1, subject.traits.parameters))))
        known = loaded.model.get_input_embeddings().weight.shape[0]
        rows = [row for row in likelihood.texts(tokenizer, tokens) if max(row[1]) < known]
        loaded.shared["plain text"] = rows, likelihood.measured(loaded.model, rows)
    found: tuple[list[Row], Likelihood] = loaded.shared["plain text"]
    return found


def chance(tokenizer: Any) -> float:
    """The loss of a model that knows nothing but the size of the vocabulary."""
    return math.log(max(2, len(tokenizer)))


def first_strange(found: Likelihood, chance: float) -> int | None:
    """The id from which on the order of a text is worth nothing to the model: 0 for all, None where it always is."""
    if not found.predictions:
        return None
    if found.loss >= WORSE_THAN_CHANCE * chance or (found.gain < SURE * found.error and found.loss >= chance):
        return 0
    ids = sorted(each.token for each in found.predictions)
    starts = (ids[len(ids) * quarter // 4] for quarter in (1, 2, 3))
    return next((start for start in starts if _strange_from(found, start, chance)), None)


def _strange_from(found: Likelihood, start: int, chance: float) -> bool:
    """In every kind of text, so that it is not for words of one language that the model never saw."""
    below, above = found.parted(start)
    groups = [group.parted(start) for group in found.groups().values()]
    return (
        below.gain - above.gain > CLEAR * math.hypot(below.error, above.error)
        and below.gain > 1
        and above.gain < SURE * above.error
        and above.loss >= chance
        and len(groups) > 1
        and all(high.gain < low.gain / 2 and high.loss >= chance for low, high in groups)
    )
