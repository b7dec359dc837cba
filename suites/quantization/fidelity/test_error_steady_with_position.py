from __future__ import annotations

from typing import Any

from fixtures.inputs.corpora.corpus import Corpus
from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from suites.findings import Defect, Limit, Record
from suites.intervals import bootstrap
from suites.quantization.fidelity.comparison import Fidelity, fidelity

LONG = 128
"""Tokens that a text needs to have an early and a late part."""
FIRST = 8
"""First tokens that are left out: with little context they diverge more in every model."""
PIECE = 16
TIMES = 4
"""In correct schemes the late part of long texts had 0.5 to 1.5 times the divergence of the early part."""
AT_LEAST = 0.3


@needs("continues_text")
@uses("quantization")
def test_error_steady_with_position(
    loaded: Loaded,
    reference: Loaded,
    tokenizer: Any,
    corpus: Corpus,
    memory_left: int,
    record: Record,
) -> None:
    """In long texts the divergence from the full model does not grow with the position of the token.

    Why: positions computed in too few bits, or a cache that loses precision, are exact at the beginning and wrong after
        some hundred tokens; short benchmarks do not reach that far.
    Fix: keep rotary tables and position embeddings in float32, and do not quantize the cache.
    Source: https://github.com/huggingface/transformers/pull/29285 (rotary positions in half precision drift)
    """
    found = fidelity(loaded, reference, tokenizer, corpus, memory_left)
    early, late = parts(found)
    if len(early) < 2 or len(late) < 2:
        raise Limit(f"the corpus has no text of {LONG} tokens or more")
    first, last = (float(each[:, 0].sum() / each[:, 1].sum()) for each in (early, late))
    low, _ = bootstrap(late, lambda rows: rows[..., 0].sum(axis=-1) / rows[..., 1].sum(axis=-1))
    record.capability(
        "quantization.late_to_early_divergence",
        round(last / max(first, 1e-12), 2),
        evidence={"early, nats/token": first, "late, nats/token": last},
    )
    _, highest = bootstrap(early, lambda rows: rows[..., 0].sum(axis=-1) / rows[..., 1].sum(axis=-1))
    if low > max(AT_LEAST, TIMES * first, highest):
        raise Defect(
            f"The variant drifts away with length: its KL divergence is {first:.3g} nats/token in the first third of "
            f"long texts and {last:.3g} in the last.",
            evidence={"early, nats/token": first, "late, nats/token": last, "blocks": [len(early), len(late)]},
        )


def parts(found: Fidelity) -> tuple[Any, Any]:
    """Returns sums of divergence and tokens for the pieces of the first and the last third of each long text."""
    import numpy

    sizes = numpy.array([len(passage.ids) for passage in found.passages])[found.text]
    long = (sizes >= LONG) & numpy.isfinite(found.kl) & (found.position >= FIRST)
    return (
        _pieces(found, long & (3 * found.position < sizes)),
        _pieces(found, long & (3 * found.position >= 2 * sizes)),
    )


def _pieces(found: Fidelity, chosen: Any) -> Any:
    import numpy

    keys = (found.text * 1_000_000 + found.position // PIECE)[chosen]
    _, piece = numpy.unique(keys, return_inverse=True)
    return numpy.stack([numpy.bincount(piece, weights=found.kl[chosen]), numpy.bincount(piece)], axis=1)
