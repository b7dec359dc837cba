from __future__ import annotations

from typing import Any

from fixtures.inputs.corpora.corpus import Corpus
from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from suites.findings import Defect, Limit
from suites.intervals import bootstrap, ratio_of_sums
from suites.quantization.fidelity.comparison import Fidelity, fidelity

PIECE = 16
"""Tokens that are resampled together; few, because a domain is small."""
FEWEST = 3
TIMES = 5
"""In correct schemes the worst of 15 domains of small models had 1.8 (4-bit) to 3 (8-bit) times the median."""
AT_LEAST = 0.5
"""Divergence, nats/token, below which no domain counts as lost: a quarter of its likeliest tokens may change."""


@needs("continues_text")
@uses("quantization")
def test_no_domain_lost(loaded: Loaded, reference: Loaded, tokenizer: Any, corpus: Corpus, memory_left: int) -> None:
    """No domain or language changes many times as much as the others.

    Why: a model that was calibrated or tested on English prose alone may have lost a script, code or numbers, and an
        average over the corpus does not show it.
    Fix: check the embedding and head rows of that domain's tokens, and calibrate with texts of every domain in use.
    Source: https://arxiv.org/abs/2407.03211 (quantization harms languages differently; automatic metrics hide it)
    """
    found = fidelity(loaded, reference, tokenizer, corpus, memory_left)
    means = {domain: _mean(found, texts) for domain, texts in found.domains().items()}
    known = {domain: each for domain, each in means.items() if each}
    if len(known) < FEWEST:
        raise Limit(f"the corpus has {len(known)} domains with enough tokens; comparing takes {FEWEST}")
    worst = max(known, key=lambda domain: known[domain][1])
    others = sorted(mean for domain, (mean, _, _) in known.items() if domain != worst)
    usual = others[len(others) // 2]
    mean, low, _ = known[worst]
    if low > max(AT_LEAST, TIMES * usual):
        raise Defect(
            f"The domain {worst} is lost: its KL divergence is {mean:.3g} nats/token, that of the others {usual:.3g}.",
            evidence={domain: round(each[0], 4) for domain, each in known.items()},
        )


def _mean(found: Fidelity, texts: list[int]) -> tuple[float, float, float] | None:
    """Returns the mean divergence of a domain and its interval; None with too few finite values."""
    import numpy

    chosen = found.of(texts) & numpy.isfinite(found.kl)
    keys = (found.text * 1_000_000 + found.position // PIECE)[chosen]
    _, piece = numpy.unique(keys, return_inverse=True)
    rows = numpy.stack([numpy.bincount(piece, weights=found.kl[chosen]), numpy.bincount(piece)], axis=1)
    rows = rows[rows[:, 1] >= PIECE // 2]
    if len(rows) < FEWEST:
        return None
    return (float(ratio_of_sums(rows)), *bootstrap(rows, ratio_of_sums))
