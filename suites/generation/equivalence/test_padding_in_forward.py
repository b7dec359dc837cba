from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import NotApplicable, Record
from suites.generation.reference_runs import CAUSAL, ReferenceRuns, reference_runs
from suites.running import generate
from suites.running.agreement import distances, must_match

POSITIONS = "generation.positions_from_mask"


@uses("embeddings", "training")
def test_padding_in_forward(subject: Subject, tokenizer: Any, generator: Any, loaded: Loaded, record: Record) -> None:
    """A forward pass over a padded batch gives every text the same logits as alone.

    Why: scoring, likelihood benchmarks and training call the model this way. Attention to padding changes the logits
        of shorter texts only.
    Fix: apply the attention mask in every layer, and use the caller's `position_ids`.
    Source: https://github.com/huggingface/transformers/issues/36897 (GPT-2: left-padded output differs by version)
    """
    reference = reference_runs(subject, tokenizer, loaded)
    if not generate.takes(generator, "attention_mask") or reference.stateful:
        record.capability("generation.padding_in_forward", "not declared: the model has a state")
        raise NotApplicable("the model has a state, which reads padding, or takes no attention mask")
    batch, rows = reference.padded
    with generate.refusals("A forward pass over a padded batch"):
        together = generate.logits(generator, batch)
    what = "A text has other logits in a padded batch than alone: the padding is not masked"
    for alone, row, part in zip((reference.whole, reference.short_whole), together, rows, strict=True):
        with reference.blaming(CAUSAL):
            must_match(alone, row[part], reference.tolerance, what)
    if not reference.seq2seq and generate.takes(generator, "position_ids"):
        record.capability(POSITIONS, "yes" if _counts_without_padding(reference) else "no: pass position_ids")


def _counts_without_padding(reference: ReferenceRuns) -> bool:
    """True if a left-padded text has the same logits without `position_ids` from the caller."""
    batch, rows = reference.padded
    together = generate.logits(reference.model, {name: batch[name] for name in ("input_ids", "attention_mask")})
    return max(distances(reference.short_whole, together[1][rows[1]])) <= reference.tolerance
