from __future__ import annotations

from fixtures.machine import library_versions
from fixtures.models.loading import Loaded
from fixtures.pipelines.pipe import Pipe
from fixtures.session.needs import also_quantized
from fixtures.session.uses import uses
from suites.findings import Defect, Record
from suites.pipelines.contracts.registry import contract_for, first_failure, unusable_setting


@also_quantized
@uses("task", "inputs")
def test_pipeline_runs(pipe: Pipe, task: str, loaded: Loaded, record: Record) -> None:
    """The pipeline answers an ordinary input, and all weights come from the checkpoint.

    Why: weights, tokenizer and processor can each be valid and still not work together; users notice that first.
    Fix: correct what the error of the library names, or load the model with the version that saved it.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines
    """
    record.capability(
        f"pipelines.{task}.runs_through", "library pipeline" if pipe.library is not None else "model classes"
    )
    failure = first_failure(pipe, contract_for(task))
    if wrong := unusable_setting(pipe):
        raise Defect(
            f"{task}: {wrong}.",
            evidence={"error": failure},
            fix="Set it to the value that the model was trained with.",
        )
    if failure:
        raise Defect(f"{task}: {_call(pipe)} fails with {failure}", evidence={"error": failure})
    if missing := _missing_parameters(pipe, loaded):
        raise Defect(
            f"{task}: answers depend on {len(missing)} randomly initialised parameters, which the checkpoint lacks or "
            f"has in another shape: {', '.join(missing[:3])}.",
            evidence={"randomly initialised": missing[:20]},
            fix="Give config.json as many labels as the head has rows; save the weights with their head.",
        )


def _call(pipe: Pipe) -> str:
    """Names the call that fails, and its library."""
    library = f"of transformers {library_versions.version()}"
    if not pipe.created:
        return f"pipeline({pipe.task!r}) {library}"
    return f"the pipeline {library}, called with an ordinary input,"


def _missing_parameters(pipe: Pipe, loaded: Loaded) -> list[str]:
    """Returns the parameters that loading initialised. Bare encoders often lack a pooler, which no pipeline uses."""
    if (pipe.subject.traits.architecture or "Model").endswith("Model"):
        return []
    report = loaded.report
    return sorted([*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])])
