from __future__ import annotations

from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.registry import comparable_contract


@uses("task")
def test_calls_repeat(pipe: Pipe, task: str) -> None:
    """The same input gets the same answer in repeated calls, also after other inputs.

    Why: state from an earlier call, or a layer that still samples random numbers, makes answers depend on the order of
    requests.
    Fix: look for dropout that stays active in evaluation mode, and for sampling in generation_config.json or in the
    settings of the task.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines
    """
    contract = comparable_contract(pipe)
    first, *others = contract.samples(pipe)
    before = pipe.first
    contract.answer(pipe, others[0])
    after = contract.answer(pipe, first)
    if mismatch := contract.difference(pipe, before, after):
        raise Defect(
            f"{task}: asked again, the same input gets another answer: {mismatch}.",
            evidence={"input": brief(first), "first": brief(before), "again": brief(after)},
        )
