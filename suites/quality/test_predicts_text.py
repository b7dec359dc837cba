from __future__ import annotations

import math
from typing import Any

from fixtures.inputs.corpora.corpus import Corpus
from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from suites.findings import Defect, Record
from suites.intervals import bootstrap
from suites.scoring import passages
from suites.scoring.passages import Passage


@needs("continues_text")
@uses("generation")
def test_predicts_text(loaded: Loaded, tokenizer: Any, corpus: Corpus, record: Record) -> None:
    """Every token of ordinary text, in every domain and language of the corpus, has a probability above zero.

    Why: a token that the model can never generate makes the loss of that text infinite, and every answer that needs it
        wrong. Averages that leave out such tokens hide it.
    Fix: look for logits of minus infinity: a mask over the vocabulary, a bias, or a logits processor in the model.
    Source: https://huggingface.co/docs/transformers/perplexity (perplexity of fixed-length models);
        https://arxiv.org/abs/2101.00027 (section 3.1: bits per byte compare models of different vocabularies)
    """
    scored = passages.logprobs(loaded, tokenizer, corpus)
    for passage, values in scored:
        refuse_impossible(tokenizer, passage, values)
    _record(record, scored, corpus.version)


def refuse_impossible(tokenizer: Any, passage: Passage, values: Any) -> None:
    """Raises Defect if a token's log-probability is not finite."""
    __tracebackhide__ = True
    bad = [index for index, value in enumerate(values) if not math.isfinite(value)]
    if not bad:
        return
    first = len(passage.ids) - len(values) + bad[0]
    before, token = passage.ids[max(0, first - 12) : first], passage.ids[first]
    value = "NaN" if math.isnan(values[bad[0]]) else "zero"
    raise Defect(
        f"The probability of an ordinary token is {value}: {tokenizer.decode([token])!r} (id {token}) in a text of the"
        f" domain {passage.text.domain}; {len(bad)} of the text's {len(values)} tokens have no valid probability.",
        evidence={"before": tokenizer.decode(list(before)), "token": token, "text": passage.text.name},
    )


def _record(record: Record, scored: list[tuple[Passage, Any]], version: str) -> None:
    rows = passages.sums(scored)
    tokens = int(rows[:, 1].sum())
    for name, statistic, unit in (
        ("quality.perplexity", passages.perplexity, "per token"),
        ("quality.bits_per_byte", passages.bits_per_byte, "bits/byte"),
    ):
        record.metric(
            name,
            float(statistic(rows)),
            unit,
            better="lower",
            samples=tokens,
            interval=bootstrap(rows, statistic),
            version=version,
        )
    domains = list(dict.fromkeys(passage.text.domain for passage, _ in scored))
    points = []
    for domain in domains:
        own = rows[[passage.text.domain == domain for passage, _ in scored]]
        spread = bootstrap(own, passages.bits_per_byte) if len(own) > 1 else ()
        points.append([domain, float(passages.bits_per_byte(own)), *spread])
    record.series("quality.bits_by_domain", points, x="domain", y="bits/byte", kind="bar")
