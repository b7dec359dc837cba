from __future__ import annotations

from fixtures.tasks.pipe import Pipe
from suites.findings import Defect, Hazard
from suites.pipelines.agreement import difference, rounding, shown
from suites.pipelines.contract import repeatable

BATCH = 2
NEAR_TIE = "; text is chosen token by token, and the generation suite tells whether rounding explains it"


def test_batch_equals_single(pipe: Pipe, task: str) -> None:
    """Inputs in batches get the answers that they get alone, in their order, also in a last batch that is not full.

    Why: padding that the model attends to, or positions that ignore it, change answers with the company that an input
    keeps, and nobody sees it.
    Fix: look at the padding token, the padding side and the attention mask; for images at the sizes that are batched.
    Source: https://huggingface.co/docs/transformers/main/en/pipeline_tutorial#batch-inference
    """
    promised = repeatable(pipe)
    samples = promised.samples(pipe)
    alone = [promised.answer(pipe, sample) for sample in samples]
    together = promised.answers(pipe, samples, batch_size=BATCH)
    if len(together) != len(samples):
        raise Defect(f"{task}: {len(samples)} inputs in batches of {BATCH} got {len(together)} answers.")
    for sample, one, other in zip(samples, alone, together, strict=True):
        if parted := difference(one, promised.batched(one, other), rounding(pipe)):
            kind, more = (Hazard, NEAR_TIE) if promised.writes else (Defect, "")
            raise kind(
                f"{task}: in a batch of {BATCH} {parted}{more}.",
                evidence={"input": shown(sample), "alone": shown(one), "in a batch": shown(other)},
            )
