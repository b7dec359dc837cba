from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Record, Unsupported
from suites.generation.reference_runs import ReferenceRuns, reference_runs
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
    if not reference.has_cache(record):
        return
    name = "decoder_input_ids" if reference.seq2seq else "input_ids"
    cut = max(1, reference.text[name].shape[1] // 2)
    expected = reference.whole[cut:]
    with generate.refusals("A forward pass from past_key_values"):
        rest = _rest(reference, name, cut)
    what = "A text continued from past_key_values has other logits than the whole text at once"
    must_match(expected, rest, reference.tolerance, what)
    if reference.seq2seq:
        return  # generate() documents no second turn for encoder-decoders
    with generate.refusals("generate() from past_key_values"):
        continued = _continued(reference, len(reference.run.ids) // 2)
    what = "Generation continued from past_key_values gives other tokens than one call"
    must_agree([(reference.run.last(len(continued.ids)), continued)], reference.tolerance, what)


def _rest(reference: ReferenceRuns, name: str, cut: int) -> Any:
    """Logits of the text from `cut` on, computed from the cache of the text before it."""
    model, text = reference.model, reference.text
    begin = text | {
        name: text[name][:, :cut],
        f"{name[:-9]}attention_mask": text[f"{name[:-9]}attention_mask"][:, :cut],
    }
    past = generate.forward(model, begin, use_cache=True).past_key_values
    if past is None:
        raise Unsupported(f"{type(model).__name__} returns no past_key_values, so there is no cache to continue from")
    return generate.logits(model, text | {name: text[name][:, cut:]}, use_cache=True, past_key_values=past)[0]


def _continued(reference: ReferenceRuns, cut: int) -> Run:
    """The run's tokens from `cut` on, generated from the cache of a first call that stopped there."""
    import torch

    model = reference.model
    with generate.plain_greedy(model):
        first = generate.output(model, reference.prompt, cut)
        if first.past_key_values is None:
            kind = type(model).__name__
            raise Unsupported(f"generate() of {kind} returns no past_key_values, so there is no cache to continue from")
        ids = first.sequences.cpu()
        more = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        left = len(reference.run.ids) - cut
        (run,) = generate.runs(generate.output(model, more, left, past_key_values=first.past_key_values))
    return run
