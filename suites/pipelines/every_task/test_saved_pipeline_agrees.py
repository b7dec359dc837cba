from __future__ import annotations

from pathlib import Path

from fixtures.pipelines.pipe import Pipe
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from suites.findings import Defect, Unsupported
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.registry import comparable_contract

MAX_BYTES = 2 * 10**9


@needs("full_weights")
@uses("sharing")
def test_saved_pipeline_agrees(pipe: Pipe, task: str, tmp_path: Path) -> None:
    """A pipeline that is saved and loaded again gives the same answers.

    Why: `save_pretrained` writes only what the loaded classes know; other keys are lost, and the deployed copy behaves
    differently.
    Fix: compare the saved files with the originals; the finding shows where the answers differ.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines#transformers.Pipeline.save_pretrained
    """
    if getattr(pipe.model, "is_quantized", False) or pipe.model.get_memory_footprint() > MAX_BYTES:
        raise Unsupported("saving is checked only for unquantized models of up to 2 GB")
    contract = comparable_contract(pipe)
    samples = contract.samples(pipe)[:2]
    expected = contract.answers(pipe, samples)
    actual = contract.answers(pipe.saved_and_reloaded(tmp_path), samples)
    for sample, before, after in zip(samples, expected, actual, strict=True):
        if mismatch := contract.difference(pipe, before, after):
            raise Defect(
                f"{task}: saved and loaded again, the pipeline gives another answer: {mismatch}.",
                evidence={"input": brief(sample), "saved": brief(before), "loaded": brief(after)},
            )
