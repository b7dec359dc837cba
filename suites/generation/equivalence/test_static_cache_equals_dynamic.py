from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Defect, NotApplicable, Record
from suites.generation.reference_runs import CACHE, CAUSAL, ReferenceRuns, reference_runs
from suites.running import generate
from suites.running.agreement import Run, must_agree


@uses("serving")
def test_static_cache_equals_dynamic(
    subject: Subject, tokenizer: Any, generator: Any, loaded: Loaded, record: Record
) -> None:
    """Generation with a static cache gives the same tokens as with the dynamic cache, in a first and a second call.

    Why: a static cache is as long as the longest text, so entries that are empty or left from an earlier text must be
        masked. Compiled and exported models always use it.
    Fix: mask the empty entries, and reset the cache between two texts.
    Source: https://github.com/huggingface/transformers/issues/30351 (a static cache that gave other results)
    """
    record.capability("generation.static_cache", "supported" if generator._can_compile_fullgraph else "not supported")
    if not generator._can_compile_fullgraph:
        raise NotApplicable(f"{type(generator).__name__} does not declare that it supports a static cache")
    reference = reference_runs(subject, tokenizer, loaded)
    cache = reference.require_cache(record)
    _ = reference.run
    options = {"cache_implementation": "static", "disable_compile": True}
    with generate.refusals("generate(cache_implementation='static')"):
        (first,) = generate.generated(generator, reference.prompt, reference.steps, **options)
    _must_agree(reference, first, "The model generates other tokens with a static cache than with a dynamic cache")
    try:
        (_, (second,)) = generate.repeated(generator, reference.prompt, reference.steps, calls=2, **options)
    except generate.REFUSALS as failure:
        raise _second_fails(failure) from failure
    _must_agree(reference, second, "A second call with a static cache generates other tokens than the first")
    if not reference.seq2seq:
        with generate.refusals("generate() with a StaticCache"):
            again = _same_object(reference, cache)
        _must_agree(reference, again, "A StaticCache that was used and reset gives other tokens than a new one")


def _second_fails(failure: Exception) -> Exception:
    """Returns a defect, because the first call did not fail; a failure of the machine stays an error."""
    if generate.machine_failed(failure):
        return failure
    kind = type(failure).__name__
    what = f"A second call with a static cache fails with {kind}: the cache of the first call was not reset."
    return Defect(what, evidence={"says": str(failure)[:500]})


def _must_agree(reference: ReferenceRuns, run: Run, what: str) -> None:
    __tracebackhide__ = True
    with reference.blaming(CAUSAL, CACHE):
        must_agree([(reference.run, run)], reference.tolerance, what)


def _same_object(reference: ReferenceRuns, argument: str) -> Run:
    """The run with a cache that contained another text before."""
    import torch
    from transformers import StaticCache

    length = reference.prompt["input_ids"].shape[1] + reference.steps
    cache = StaticCache(config=reference.model.config, max_cache_len=length)
    with torch.inference_mode():  # also for the tensors that the cache creates
        options = {argument: cache, "disable_compile": True}
        other = dict(reference.prompt, input_ids=reference.prompt["input_ids"].flip(1))
        generate.generated(reference.model, other, reference.steps, **options)
        cache.reset()
        (run,) = generate.generated(reference.model, reference.prompt, reference.steps, **options)
    return run
