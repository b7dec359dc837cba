from __future__ import annotations

from fixtures.pipelines.pipe import Pipe
from suites.findings import Defect
from suites.pipelines.contracts.agreement import shown
from suites.pipelines.contracts.registry import repeatable


def test_calls_repeat(pipe: Pipe, task: str) -> None:
    """The same input gets the same answer again, also after other inputs.

    Why: state that one call leaves behind, or a layer that still draws random numbers, makes answers depend on what was
    asked before.
    Fix: look for dropout outside of evaluation mode, and for sampling in generation_config.json or the task's settings.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines
    """
    promised = repeatable(pipe)
    first, *others = promised.samples(pipe)
    before = pipe.first
    promised.answer(pipe, others[0])
    after = promised.answer(pipe, first)
    if parted := promised.apart(pipe, before, after):
        raise Defect(
            f"{task}: asked again, {parted}.",
            evidence={"input": shown(first), "first": shown(before), "again": shown(after)},
        )
