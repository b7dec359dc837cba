from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.needs import also_quantized
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Hazard
from suites.generation.reference_runs import CAUSAL, reference_runs
from suites.running import generate
from suites.running.agreement import must_agree, must_match

STEPS = 6


@also_quantized
@uses("generation")
def test_cache_changes_nothing(subject: Subject, tokenizer: Any, generator: Any, loaded: Loaded) -> None:
    """Generation with the cache gives the same tokens and logits as without it, and as one pass over the text.

    Why: the cache is on by default. Keys that are dropped, duplicated or rotated to another position change what the
        model reads, without an error.
    Fix: compare the keys and positions that the attention layers see at the first new token with those of one pass;
        until this is fixed, generate with `use_cache=False`.
    Source: https://github.com/huggingface/transformers/issues/36536 (other results with and without the cache)
    """
    reference = reference_runs(subject, tokenizer, loaded)
    steps = min(STEPS, len(reference.run.ids))
    (uncached,) = generate.generated(generator, reference.prompt, steps, use_cache=False)
    near_tie = None
    try:
        what = "The model generates other tokens with use_cache=True than with use_cache=False"
        with reference.blaming(CAUSAL):
            must_agree([(uncached, reference.run.first(steps))], reference.tolerance, what)
    except Hazard as hazard:  # a defect of the logits comes first
        near_tie = hazard
    what = "The logits computed token by token with the cache differ from those of one pass over the same text"
    with reference.blaming(CAUSAL):
        must_match(reference.whole[reference.last], reference.run.logits, reference.tolerance, what)
    if near_tie:
        raise near_tie
