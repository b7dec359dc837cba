from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.generation.reference_runs import ReferenceRuns, reference_runs
from suites.running import generate
from suites.running.agreement import must_match


@uses("generation", "training")
def test_later_tokens_change_nothing(subject: Subject, tokenizer: Any, generator: Any, loaded: Loaded) -> None:
    """The logits at a position do not depend on later tokens.

    Why: a model that sees the token it must predict gives too high likelihoods, and generates other texts than it
        scores. A missing causal mask raises no error.
    Fix: look at the mask of the first layer whose output changes; set `is_decoder` to true if the class has it.
    Source: https://github.com/huggingface/transformers/issues/30652 (a causal mask that was dropped)
    """
    reference = reference_runs(subject, tokenizer, loaded)
    cut = max(1, reference.whole.shape[0] // 2)
    expected = reference.whole[:cut]
    with generate.refusals("A forward pass"):
        changed = generate.logits(generator, _with_other_end(reference, cut))[0, :cut]
        alone = generate.logits(generator, reference.beginning(cut))[0]
    what = "Logits depend on later tokens: attention is not causal"
    must_match(expected, changed, reference.tolerance, what)
    must_match(expected, alone, reference.tolerance, "Logits change if more text follows: attention is not causal")


def _name(reference: ReferenceRuns) -> str:
    return "decoder_input_ids" if reference.seq2seq else "input_ids"


def _with_other_end(reference: ReferenceRuns, cut: int) -> dict[str, Any]:
    """The text with different tokens from `cut` on."""
    ids = reference.text[_name(reference)].clone()
    ids[:, cut:] = (ids[:, cut:] + 1 + reference.rows // 2) % reference.rows
    return reference.text | {_name(reference): ids}
