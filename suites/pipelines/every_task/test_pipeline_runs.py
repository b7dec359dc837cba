from __future__ import annotations

from fixtures.models.loading import Loaded
from fixtures.pipelines.pipe import Pipe
from fixtures.session.needs import also_quantized
from suites.findings import Defect, Record
from suites.pipelines.contracts import fixes
from suites.pipelines.contracts.registry import contract_for, first_failure
from suites.pipelines.image_processing import processors


@also_quantized
def test_pipeline_runs(pipe: Pipe, task: str, loaded: Loaded, record: Record) -> None:
    """The pipeline of the subject's task answers an ordinary input, with weights that all come from the checkpoint.

    Why: weights, tokenizer and processor can each be in order and still not work together; the model's users meet that
    first.
    Fix: the finding shows the error; mostly a file beside the weights is missing or belongs to another model.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines
    """
    record.capability(f"pipelines.{task}", "pipeline" if pipe.library is not None else "model classes")
    failure = first_failure(pipe, contract_for(task))
    if wrong := _setting(pipe):
        raise Defect(
            f"{task}: {wrong}.", evidence={"error": failure}, remedy="Set it to what the model was trained with."
        )
    if failure:
        raise Defect(
            f"{task}: an ordinary input fails: {failure}", evidence={"error": failure}, remedy=fixes.of_failure(task)
        )
    if made_up := _made_up(pipe, loaded):
        raise Defect(
            f"{task}: answers come from {len(made_up)} parameters that the checkpoint lacks, or has in another shape, "
            f"and that were made up at random: {', '.join(made_up[:3])}.",
            evidence={"made up": made_up[:20]},
            remedy="Give config.json as many labels as the head has rows; save the weights with their head.",
        )


def _setting(pipe: Pipe) -> str | None:
    """A setting of the image processor that cannot be used."""
    library = pipe.library or pipe.call
    found = getattr(library, "image_processor", None)
    return next(processors.unusable(found), None) if found is not None else None


def _made_up(pipe: Pipe, loaded: Loaded) -> list[str]:
    """Parameters that loading filled; a bare encoder's pooler is often left out, and used by no pipeline."""
    if (pipe.subject.traits.architecture or "Model").endswith("Model"):
        return []
    report = loaded.report
    return sorted([*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])])
