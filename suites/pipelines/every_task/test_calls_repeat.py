from __future__ import annotations

from fixtures.pipelines.pipe import Pipe
from suites.findings import Defect
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.registry import comparable_contract


def test_calls_repeat(pipe: Pipe, task: str) -> None:
    """The same input gets the same answer again, also after other inputs.

    Why: state that one call leaves behind, or a layer that still draws random numbers, makes answers depend on what was
    asked before.
    Fix: look for dropout outside of evaluation mode, and for sampling in generation_config.json or the task's settings.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines
    """
    contract = comparable_contract(pipe)
    first, *others = contract.samples(pipe)
    before = pipe.first
    contract.answer(pipe, others[0])
    after = contract.answer(pipe, first)
    if mismatch := contract.difference(pipe, before, after):
        raise Defect(
            f"{task}: asked again, {mismatch}.",
            evidence={"input": brief(first), "first": brief(before), "again": brief(after)},
        )
