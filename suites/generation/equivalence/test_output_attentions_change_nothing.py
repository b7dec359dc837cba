from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import NotApplicable
from suites.generation.reference_runs import EAGER, reference_runs
from suites.running import generate
from suites.running.agreement import must_match


@uses("embeddings", "training")
def test_output_attentions_change_nothing(subject: Subject, tokenizer: Any, generator: Any, loaded: Loaded) -> None:
    """The logits do not change if attentions and hidden states are requested.

    Why: attribution and probing tools request them, which selects another code path. If the mask is missing there,
        tokens see later ones, and the tools explain another model.
    Fix: build the same mask with and without `output_attentions`.
    Source: https://github.com/huggingface/transformers/issues/30652 (no causal mask in the eager path)
    """
    if not generate.takes(generator, "output_attentions"):
        raise NotApplicable(f"{type(generator).__name__} has no argument output_attentions")
    reference = reference_runs(subject, tokenizer, loaded)
    expected = reference.whole
    settable = getattr(type(generator), "_can_set_attn_implementation", None)
    eager = generate.attention(generator, "eager") if settable and settable() else nullcontext()
    options = {"output_attentions": True, "output_hidden_states": True}
    with eager, generate.refusals("A forward pass with output_attentions=True"):
        actual = generate.logits(generator, reference.text, **options)[0]
    what = "output_attentions=True changes the logits: the attention mask is not the same"
    with reference.blaming(EAGER):
        must_match(expected, actual, reference.tolerance, what)
