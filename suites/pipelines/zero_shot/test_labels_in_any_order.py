from __future__ import annotations

import pytest

from fixtures.pipelines.pipe import Pipe
from suites.findings import Defect
from suites.pipelines.contracts.agreement import difference, rounding
from suites.pipelines.contracts.registry import comparable_contract
from suites.pipelines.zero_shot.labels import TASKS, labels_of, scores


@pytest.mark.tasks(*TASKS)
def test_labels_in_any_order(pipe: Pipe, task: str) -> None:
    """A label gets the same score wherever it stands in the list of labels.

    Why: scores that go with places instead of labels give every label a number, and most of them another's.
    Fix: look at the padding of texts that are compared together, and at what sorts the answer.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines#transformers.ZeroShotClassificationPipeline
    """
    contract = comparable_contract(pipe)
    sample, labels = contract.samples(pipe)[0], labels_of(contract, pipe)
    one, other = (scores(contract.answer(pipe, sample, candidate_labels=each)) for each in (labels, labels[::-1]))
    if mismatch := difference(one, other, 10 * rounding(pipe)):
        raise Defect(
            f"{task}: with the labels in another order {mismatch}: scores go with places, not with labels.",
            evidence={"labels": one, "in another order": other},
        )
