from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.subjects.subject import Subject
from suites.findings import Record, Unsupported
from suites.generation.reference_runs import ReferenceRuns, reference_runs
from suites.running import generate
from suites.running.agreement import Run, must_agree, must_match


def test_continues_from_cache(subject: Subject, tokenizer: Any, generator: Any, loaded: Loaded, record: Record) -> None:
    """A text that is continued from `past_key_values` gives the logits and tokens of the whole text at once.

    Why: conversations, shared prefixes and servers reuse the cache of an earlier call. Positions that start anew, or a
    mask that forgets the past, make the second turn answer another conversation.
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
    what = "Continued from past_key_values, the text has other logits than as a whole"
    must_match(expected, rest, reference.tolerance, what)
    if reference.seq2seq:
        return  # generate() documents no second turn for a decoder with an encoder
    with generate.refusals("generate() from past_key_values"):
        continued = _continued(reference, len(reference.run.ids) // 2)
    what = "Generation that goes on from past_key_values gives something else than in one call"
    must_agree([(reference.run.last(len(continued.ids)), continued)], reference.tolerance, what)


def _rest(reference: ReferenceRuns, name: str, cut: int) -> Any:
    """Logits of the text behind `cut`, from the cache of what is before it."""
    model, text = reference.model, reference.text
    begin = text | {
        name: text[name][:, :cut],
        f"{name[:-9]}attention_mask": text[f"{name[:-9]}attention_mask"][:, :cut],
    }
    past = generate.forward(model, begin, use_cache=True).past_key_values
    if past is None:
        raise Unsupported(f"{type(model).__name__} gives no past_key_values")
    return generate.logits(model, text | {name: text[name][:, cut:]}, use_cache=True, past_key_values=past)[0]


def _continued(reference: ReferenceRuns, cut: int) -> Run:
    """The run's tokens behind `cut`, generated from the cache of a first call that stopped there."""
    import torch

    model = reference.model
    with generate.plainly(model):
        first = generate.output(model, reference.prompt, cut)
        if first.past_key_values is None:
            raise Unsupported(f"generate() of {type(model).__name__} gives no past_key_values")
        ids = first.sequences.cpu()
        more = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        left = len(reference.run.ids) - cut
        (run,) = generate.runs(generate.output(model, more, left, past_key_values=first.past_key_values))
    return run
