"""What must be right before the order of weights or the end of turns can be judged."""

from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.subjects.subject import Subject
from suites.findings import Blocked
from suites.scoring import noise, tokenizer_fit
from suites.scoring.knowledge import CHECK


def refuse_noise(loaded: Loaded) -> None:
    """Raises Blocked for a model whose matrices, or those of whole layers, are random numbers."""
    __tracebackhide__ = True
    if cause := noise.spectra(loaded).cause():
        raise Blocked(CHECK, cause)


def refuse_noise_instead_of_text(subject: Subject, tokenizer: Any, loaded: Loaded, profile: str) -> None:
    """Raises Blocked for a model that does not predict plain text, and whose matrices are random numbers."""
    __tracebackhide__ = True
    _, text = tokenizer_fit.plain_text(subject, tokenizer, loaded, profile)
    if tokenizer_fit.first_unknown_id(text, tokenizer_fit.chance_loss(tokenizer)) is not None:
        refuse_noise(loaded)
