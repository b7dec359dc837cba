from __future__ import annotations

from typing import Any

from fixtures.machine import library_versions
from fixtures.models.loading import Loaded
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import NotApplicable, Record
from suites.generation.reference_runs import CACHE, CAUSAL, ReferenceRuns, reference_runs
from suites.running import generate
from suites.running.agreement import Run, must_agree, must_match


@uses("serving")
def test_continues_from_cache(subject: Subject, tokenizer: Any, generator: Any, loaded: Loaded, record: Record) -> None:
    """A text continued from `past_key_values` gets the same logits and tokens as the whole text at once.

    Why: conversations, shared prefixes and servers reuse the cache of an earlier call. If positions restart, or the
        mask leaves out the past, the second turn answers another conversation.
    Fix: count positions from the length of the cache, and build the mask for past and new tokens together.
    Source: https://huggingface.co/docs/transformers/kv_cache (reuse of a cache)
    """
    reference = reference_runs(subject, tokenizer, loaded)
    cache = reference.require_cache(record)
    name = "decoder_input_ids" if reference.seq2seq else "input_ids"
    cut = max(1, reference.text[name].shape[1] // 2)
    expected = reference.whole[cut:]
    with generate.refusals(f"A forward pass from {cache}"):
        rest = _rest(reference, name, cut, cache)
    what = f"A text continued from {cache} has other logits than the whole text at once"
    with reference.blaming(CAUSAL, CACHE):
        must_match(expected, rest, reference.tolerance, what)
    if not reference.seq2seq:  # generate() documents no second turn for encoder-decoders
        with generate.refusals(f"generate() from {cache}"):
            continued = _continued(reference, len(reference.run.ids) // 2, cache)
        what = f"Generation continued from {cache} gives other tokens than one call"
        with reference.blaming(CAUSAL, CACHE):
            must_agree([(reference.run.last(len(continued.ids)), continued)], reference.tolerance, what)


def _rest(reference: ReferenceRuns, name: str, cut: int, cache: str) -> Any:
    """Logits of the text from `cut` on, computed from the cache of the text before it."""
    model, text = reference.model, reference.text
    begin = text | {
        name: text[name][:, :cut],
        f"{name[:-9]}attention_mask": text[f"{name[:-9]}attention_mask"][:, :cut],
    }
    past = library_versions.cache_of(generate.forward(model, begin, use_cache=True))
    if past is None:
        raise NotApplicable(f"{type(model).__name__} returns no {cache}, so there is no cache to continue from")
    return generate.logits(model, text | {name: text[name][:, cut:]}, use_cache=True, **{cache: past})[0]


def _continued(reference: ReferenceRuns, cut: int, cache: str) -> Run:
    """The run's tokens from `cut` on, generated from the cache of a first call that stopped there."""
    import torch

    model = reference.model
    with generate.plain_greedy(model):
        first = generate.output(model, reference.prompt, cut)
        past = library_versions.cache_of(first)
        if past is None:
            raise NotApplicable(f"generate() of {type(model).__name__} returns no {cache} to continue from")
        ids = first.sequences.cpu()
        more = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        left = len(reference.run.ids) - cut
        (run,) = generate.runs(generate.output(model, more, left, **{cache: past}))
    return run
