from __future__ import annotations

from pathlib import Path

from fixtures.pipelines.pipe import Pipe
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from suites.findings import Defect, TooExpensive
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.registry import comparable_contract, require_repeatable
from suites.running.copies import MAX_BYTES


@needs("full_weights")
@uses("sharing")
def test_saved_pipeline_agrees(pipe: Pipe, task: str, tmp_path: Path, profile: str) -> None:
    """A pipeline that is saved and loaded again gives the same answers.

    Why: `save_pretrained` writes only what the loaded classes know; other keys are lost, and the deployed copy behaves
    differently.
    Fix: compare the saved files with the originals; the finding shows where the answers differ.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines#transformers.Pipeline.save_pretrained
    """
    if (size := pipe.model.get_memory_footprint()) > MAX_BYTES[profile]:
        enough = next((name for name, most in MAX_BYTES.items() if size <= most), "exhaustive")
        raise TooExpensive(f"a saved copy of {size / 1e9:.1f} GB is more than quick runs write", f"--profile {enough}")
    contract = comparable_contract(pipe)
    samples = contract.samples(pipe)[:2]
    expected = contract.answers(pipe, samples)
    actual = contract.answers(pipe.saved_and_reloaded(tmp_path), samples)
    for sample, before, after in zip(samples, expected, actual, strict=True):
        if mismatch := contract.difference(pipe, before, after):
            require_repeatable(contract, pipe, sample)
            raise Defect(
                f"{task}: saved and loaded again, the pipeline gives another answer: {mismatch}.",
                evidence={"input": brief(sample), "saved": brief(before), "loaded": brief(after)},
            )
