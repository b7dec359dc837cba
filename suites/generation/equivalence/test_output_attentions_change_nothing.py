from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from fixtures.models.loading import Loaded
from fixtures.subjects.subject import Subject
from suites.findings import Unsupported
from suites.generation.reference_runs import reference_runs
from suites.running import generate
from suites.running.agreement import must_match


def test_output_attentions_change_nothing(subject: Subject, tokenizer: Any, generator: Any, loaded: Loaded) -> None:
    """The logits are the same when attentions and hidden states are asked for.

    Why: attribution and probing tools ask for them, and the model takes another path for it; a mask that is lost
    there lets every token see the later ones, so that what they explain is another model.
    Fix: build the same mask whether or not `output_attentions` is set.
    Source: https://github.com/huggingface/transformers/issues/30652 (no causal mask in the eager path)
    """
    if not generate.takes(generator, "output_attentions"):
        raise Unsupported(f"{type(generator).__name__} gives no attentions")
    reference = reference_runs(subject, tokenizer, loaded)
    expected = reference.whole
    settable = getattr(type(generator), "_can_set_attn_implementation", None)
    eager = generate.attention(generator, "eager") if settable and settable() else nullcontext()
    options = {"output_attentions": True, "output_hidden_states": True}
    with eager, generate.refusals("A forward pass with output_attentions=True"):
        actual = generate.logits(generator, reference.text, **options)[0]
    what = "With output_attentions=True the logits are others than without it: the mask is not the same"
    must_match(expected, actual, reference.tolerance, what)
