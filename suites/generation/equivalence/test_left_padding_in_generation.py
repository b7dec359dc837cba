from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.needs import also_quantized
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Defect, NotApplicable, Record
from suites.generation.reference_runs import CACHE, CAUSAL, reference_runs
from suites.running import generate
from suites.running.agreement import must_agree


@also_quantized
@uses("generation")
def test_left_padding_in_generation(
    subject: Subject, tokenizer: Any, generator: Any, loaded: Loaded, record: Record
) -> None:
    """Every row of a padded batch generates the same tokens as its prompt alone.

    Why: models are served and evaluated in batches. If the mask is not applied, or positions count the padding, the
        answers to shorter prompts change without an error.
    Fix: mask the padding in every layer, and count positions from the first token that is not padding.
    Source: https://huggingface.co/docs/transformers/llm_tutorial (padding side)
    """
    reference = reference_runs(subject, tokenizer, loaded)
    prompts = [reference.prompt["input_ids"][0], reference.short["input_ids"][0]]
    batch = generate.padded(prompts, reference.pad, left=not reference.seq2seq)
    del batch["position_ids"]  # generate() computes its own
    with generate.refusals("generate() with a padded batch"):
        together = generate.generated(generator, batch, reference.steps)
    alone = [reference.run, reference.short_run]
    what = "A prompt gets another continuation in a padded batch than alone"
    try:
        with reference.blaming(CAUSAL, CACHE):
            must_agree(zip(alone, together, strict=True), reference.tolerance, what)
    except Defect as defect:
        if not reference.stateful:
            raise
        record.capability("generation.padded_batches", "different results", evidence=defect.evidence)
        raise NotApplicable("the model has a state, which reads padding: generate for one prompt at a time") from None
    record.capability("generation.padded_batches", "same results as single prompts")
