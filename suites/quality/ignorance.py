"""The finding about a model that knows no text, with its cause."""

from __future__ import annotations

import math
from typing import Any

from fixtures.models.loading import Loaded
from fixtures.subjects.subject import Subject
from suites.findings import Blocked, Defect
from suites.scoring import noise, tokenizer_fit
from suites.scoring.knowledge import Knowledge

UNEXPLAINED = (
    "the matrices are not random, so the tokenizer of another model, a failed merge or damaged values are likely"
)


def refuse(subject: Subject, tokenizer: Any, loaded: Loaded, found: Knowledge, profile: str) -> None:
    """Raises the defect, or Blocked where another check names the cause."""
    __tracebackhide__ = True
    if any(loaded.report.get(kind) for kind in ("missing_keys", "mismatched_keys")):
        raise Blocked("integrity/weights-complete", "some weights were initialised at random")
    spectra = noise.spectra(loaded)
    cause = spectra.cause()
    if cause is None and "text-generation" in subject.traits.tasks:
        _, text = tokenizer_fit.plain_text(subject, tokenizer, loaded, profile)
        if tokenizer_fit.first_unknown_id(text, tokenizer_fit.chance_loss(tokenizer)) is not None:
            summary = "tokenizer and weights do not belong together, or layers or matrices are in the wrong place"
            raise Blocked("integrity/tokenizer-fits-weights", summary)
    evidence = {"losses in nats per token": found.as_json(), "weights": spectra.as_json()}
    raise Defect(f"{what(found)}: {cause or UNEXPLAINED}.", evidence=evidence)


def what(found: Knowledge) -> str:
    """What the model cannot do, with the figures."""
    better = found.better_than_guess
    words = "The model predicts text no better than "
    if better is None:
        best = found.best
        words += (
            f"a uniform guess: at best ({best.name}) its loss is {best.loss:.1f} nats per token, a perplexity of "
            f"{_perplexity(best.loss)}, where a guess among all tokens has {found.chance:.1f}"
        )
    else:
        words += (
            f"the frequencies of its tokens: at best ({better.name}) its loss is {better.loss:.1f} nats per token, and "
            f"shuffling the text changes it by {better.gain:.2f} ± {2 * better.error:.2f}"
        )
    return words + ("; it answers {} of {} canaries".format(*found.canaries) if found.canaries else "")


def _perplexity(loss: float) -> str:
    return f"{math.exp(loss):,.0f}" if loss < 20 else f"{math.exp(loss):.0e}"
