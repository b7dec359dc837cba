from __future__ import annotations

import math
from typing import Any

from fixtures.inputs.corpora.corpus import Corpus
from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from suites.findings import Defect, Record
from suites.intervals import bootstrap, ratio_of_sums
from suites.quantization.fidelity import figures, noise_floor
from suites.quantization.fidelity.comparison import Fidelity, fidelity
from suites.running.limits import vocabulary

LOST = 0.25
"""Share of what the full model has learned (its loss below that of a uniform guess) that a correct scheme never loses.

FP4, the coarsest scheme here, loses 5% of a model of 135 million parameters, which suffers more than larger ones
(https://arxiv.org/abs/2212.09720, figure 1); 8-bit weights lose half a percent.
"""
FAR = 2.0
"""KL divergence, nats/token, that no correct scheme reaches, whatever the model has learned.

FP4 has 0.6 at 135M parameters; one bit for each weight has 2.2 at 8 billion (llama.cpp's table, iq1_S).
"""
LEARNED = 0.1
"""Share of a uniform guess's loss from which on a model has learned something to lose."""


@needs("continues_text")
@uses("quantization")
def test_distribution_kept(
    loaded: Loaded,
    reference: Loaded,
    tokenizer: Any,
    corpus: Corpus,
    memory_left: int,
    record: Record,
) -> None:
    """A quantized or cast model keeps what the full one has learned: on the same tokens its loss is not much higher.

    Why: with a broken scale, table or head the model answers fluently but knows less. Benchmarks of a few hundred
        questions are too coarse to show it; the distribution of every token is not.
    Fix: quantization/layer-error-within-bound names the layer; keep heads and the most sensitive layers in full
        precision (skip list), or use a finer scheme (nf4 for fp4, int8 for 4-bit).
    Source: https://arxiv.org/abs/2407.09141 (distance of distributions besides accuracy);
        https://github.com/ggml-org/llama.cpp/blob/master/tools/perplexity/README.md (the same figures for its formats)
    """
    found = fidelity(loaded, reference, tokenizer, corpus, memory_left)
    refuse_broken_numbers(found, tokenizer)
    figures.record(record, found)
    worst = figures.worst_tokens(found, tokenizer)
    record.capability("quantization.computed_with", found.through)
    largest = f"KL {worst[0]['kl']} nats at {worst[0]['token']!r} in {worst[0]['text']}"
    record.capability("quantization.worst_token", largest, evidence=worst)
    _record_floor(record, reference, found)
    refuse_far_away(found, worst)
    refuse_lost_knowledge(found, vocabulary(reference.model), worst)


def _record_floor(record: Record, reference: Loaded, found: Fidelity) -> None:
    """Records the noise floor: smaller differences are meaningless."""
    divergence, agreement, what = noise_floor.noise_floor(reference, [passage.ids for passage in found.passages])
    tokens = sum(len(passage.ids[: noise_floor.LONGEST]) for passage in found.passages[-noise_floor.TEXTS :])
    record.metric(
        "quantization.noise_floor", divergence, "nats/token", better="lower", samples=tokens, version=found.version
    )
    record.capability("quantization.noise_floor_between", what, evidence={"top-1 agreement": agreement})


def refuse_broken_numbers(found: Fidelity, tokenizer: Any) -> None:
    """Raises Defect if the variant's logits are not finite where the full model's are."""
    import numpy

    __tracebackhide__ = True
    bad = numpy.flatnonzero(~(numpy.isfinite(found.kl) & numpy.isfinite(found.other)))
    if len(bad):
        passage, position = found.passages[int(found.text[bad[0]])], int(found.position[bad[0]])
        raise Defect(
            f"The variant's logits are not finite where the full model's are: at {len(bad)} of {len(found.kl)} tokens, "
            f"first in a text of the domain {passage.text.domain}.",
            evidence={
                "text": passage.text.name,
                "position": position,
                "before": str(tokenizer.decode(list(passage.ids[max(0, position - 12) : position]))),
            },
        )


def refuse_far_away(found: Fidelity, worst: list[dict[str, Any]]) -> None:
    """Raises Defect if the whole interval of the mean divergence is beyond `FAR`."""
    __tracebackhide__ = True
    rows = found.blocks(found.kl)
    mean, (low, high) = float(ratio_of_sums(rows)), bootstrap(rows, ratio_of_sums)
    if low > FAR:
        raise Defect(
            f"The variant's distributions are far from the full model's: their KL divergence is {mean:.3g}"
            f" nats/token (95% interval {low:.3g} to {high:.3g}), and {float(found.agree.mean()):.0%} of the likeliest"
            " tokens are the same.",
            evidence=_evidence(found, worst),
        )


def _evidence(found: Fidelity, worst: list[dict[str, Any]]) -> dict[str, Any]:
    domains = {str(point[0]): round(float(point[1]), 3) for point in figures.by_domain(found)}
    return {"KL divergence, nats/token": round(float(found.kl.mean()), 4), "by domain": domains, "worst tokens": worst}


def refuse_lost_knowledge(found: Fidelity, rows: int, worst: list[dict[str, Any]]) -> None:
    """Raises Defect if the whole interval of the lost share is beyond `LOST`."""
    __tracebackhide__ = True
    guess = math.log(rows)
    blocks = found.blocks(found.full - found.other, found.full + guess)
    learned = float(blocks[:, 1].sum() / blocks[:, 2].sum())
    if learned < LEARNED * guess:
        return
    share = float(blocks[:, 0].sum() / blocks[:, 1].sum())
    low, high = bootstrap(blocks, lambda each: each[..., 0].sum(axis=-1) / each[..., 1].sum(axis=-1))
    if low > LOST:
        agree, ratio = float(found.agree.mean()), math.exp(min(50.0, float((found.full - found.other).mean())))
        raise Defect(
            f"The variant has lost {share:.0%} of what the full model has learned (95% interval {low:.0%} to"
            f" {high:.0%}): its perplexity is {ratio:.3g} times as high, and {agree:.0%} of its likeliest"
            " tokens are the same.",
            evidence=_evidence(found, worst),
        )
