from __future__ import annotations

from pathlib import Path

from fixtures.pipelines.pipe import Pipe
from fixtures.session.needs import needs
from suites.findings import Defect, Unsupported
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.registry import comparable_contract

MOST_BYTES = 2 * 10**9


@needs("full_weights")
def test_saved_pipeline_agrees(pipe: Pipe, task: str, tmp_path: Path) -> None:
    """A pipeline that is saved and loaded again gives the same answers.

    Why: `save_pretrained` writes what the loaded classes know; a key that they do not know is lost, and the copy that
    is deployed is another model.
    Fix: compare the saved files with the originals; the finding shows where the answers part.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines#transformers.Pipeline.save_pretrained
    """
    if getattr(pipe.model, "is_quantized", False) or pipe.model.get_memory_footprint() > MOST_BYTES:
        raise Unsupported("quantized or larger than 2 GB: saving is tried on the full checkpoint, and on smaller ones")
    contract = comparable_contract(pipe)
    samples = contract.samples(pipe)[:2]
    expected = contract.answers(pipe, samples)
    actual = contract.answers(pipe.saved(tmp_path), samples)
    for sample, one, other in zip(samples, expected, actual, strict=True):
        if mismatch := contract.difference(pipe, one, other):
            raise Defect(
                f"{task}: saved and loaded again, {mismatch}.",
                evidence={"input": brief(sample), "saved": brief(one), "loaded": brief(other)},
            )
