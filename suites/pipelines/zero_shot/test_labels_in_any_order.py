from __future__ import annotations

import pytest

from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect
from suites.pipelines.contracts.agreement import difference, rounding
from suites.pipelines.contracts.registry import comparable_contract
from suites.pipelines.zero_shot.labels import TASKS, labels_of, scores


@pytest.mark.tasks(*TASKS)
@uses("task")
def test_labels_in_any_order(pipe: Pipe, task: str) -> None:
    """A candidate label gets the same score at every position in the list.

    Why: if scores follow positions instead of labels, most labels get the score of another one.
    Fix: check the padding of labels that are encoded together, and the sorting of the answer.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines#transformers.ZeroShotClassificationPipeline
    """
    contract = comparable_contract(pipe)
    sample, labels = contract.samples(pipe)[0], labels_of(contract, pipe)
    forward, reversed_labels = (
        scores(contract.answer(pipe, sample, candidate_labels=each)) for each in (labels, labels[::-1])
    )
    if mismatch := difference(forward, reversed_labels, 10 * rounding(pipe)):
        raise Defect(
            f"{task}: with the labels in another order, {mismatch}: scores follow positions, not labels.",
            evidence={"labels": forward, "in another order": reversed_labels},
        )
