from __future__ import annotations

from typing import Any

from fixtures.tasks.pipe import Pipe
from suites.findings import Defect
from suites.pipelines.contract import contract, first_failure


def test_pipeline_runs(pipe: Pipe, task: str, record: Any) -> None:
    """The pipeline of the subject's task answers an ordinary input.

    Why: weights, tokenizer and processor can each be in order and still not work together; the model's users meet that
    first.
    Fix: the finding shows the error; mostly a file beside the weights is missing or belongs to another model.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines
    """
    record.capability(f"pipelines.{task}", "pipeline" if pipe.library is not None else "model classes")
    if failure := first_failure(pipe, contract(task)):
        raise Defect(f"{task}: an ordinary input fails: {failure}", evidence={"error": failure})
