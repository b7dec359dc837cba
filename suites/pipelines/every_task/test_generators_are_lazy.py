from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.pipelines.pipe import Pipe
from suites.findings import Defect, Unsupported
from suites.pipelines.contracts.registry import contract_of

ENDLESS = 1000


def test_generators_are_lazy(pipe: Pipe, task: str) -> None:
    """A generator is read as answers are asked for, and the answers come in its order.

    Why: a queue or a large file is fed to a pipeline as a generator; reading all of it first takes the memory, and
    answers in another order are given to the wrong inputs.
    Fix: nothing in the subject; report it to the library with the version of transformers.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines#pipeline-chunk-batching
    """
    contract = contract_of(pipe)
    if contract.lists_only:
        raise Unsupported(f"the pipeline {task} takes lists, and no generators")
    sample, taken = contract.samples(pipe)[0], 0

    def endless() -> Iterator[Any]:
        nonlocal taken
        for _ in range(ENDLESS):
            taken += 1
            yield sample

    answers = iter(pipe(endless(), **contract.options(pipe)))
    next(answers), next(answers)
    if taken == ENDLESS:
        raise Defect(f"{task}: all {ENDLESS} inputs of a generator were read for the first two answers.")
