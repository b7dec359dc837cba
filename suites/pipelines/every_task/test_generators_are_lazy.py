from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect, NotApplicable
from suites.pipelines.contracts.registry import contract_of

INPUTS = 1000


@uses("task")
def test_generators_are_lazy(pipe: Pipe, task: str) -> None:
    """A generator is read lazily, while answers are consumed, and the answers keep its order.

    Why: queues and large files are passed to pipelines as generators; reading all of one first exhausts the memory, and
    answers in another order are assigned to the wrong inputs.
    Fix: no change in the model helps; report it to the library with the version of transformers.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines#pipeline-chunk-batching
    """
    contract = contract_of(pipe)
    if contract.lists_only:
        raise NotApplicable(f"the pipeline {task} accepts lists, not generators")
    sample, inputs_read = contract.samples(pipe)[0], 0

    def generator() -> Iterator[Any]:
        nonlocal inputs_read
        for _ in range(INPUTS):
            inputs_read += 1
            yield sample

    answers = iter(pipe(generator(), **contract.options(pipe)))
    next(answers), next(answers)
    if inputs_read == INPUTS:
        raise Defect(f"{task}: all {INPUTS} inputs of a generator were read to produce the first two answers.")
