from __future__ import annotations

from typing import Any

import pytest

from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect
from suites.pipelines.contracts.agreement import difference, rounding
from suites.pipelines.contracts.registry import comparable_contract
from suites.pipelines.zero_shot.labels import TASKS, labels_of, scores

TEMPLATE = "a {} here"


@pytest.mark.tasks(*TASKS)
@uses("task")
def test_template_is_used(pipe: Pipe, task: str) -> None:
    """A label with a template gets the same score as the sentence that the template makes of it.

    Why: these models were trained on sentences, so that the template matters; one that is ignored or applied twice
    costs some points of accuracy, without any error.
    Fix: pass `hypothesis_template` with one pair of braces; no change in the model helps.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines#transformers.ZeroShotImageClassificationPipeline
    """
    contract = comparable_contract(pipe)
    sample, labels = contract.samples(pipe)[0], labels_of(contract, pipe)
    sentences = [TEMPLATE.format(label) for label in labels]
    label_scores = scores(contract.answer(pipe, sample, candidate_labels=labels, hypothesis_template=TEMPLATE))
    sentence_scores = scores(contract.answer(pipe, sample, candidate_labels=sentences, hypothesis_template="{}"))
    expected = {label: sentence_scores.get(sentence) for label, sentence in zip(labels, sentences, strict=True)}
    if mismatch := difference(expected, label_scores, 10 * rounding(pipe)):
        raise Defect(
            f"{task}: with the template {TEMPLATE!r}, labels get other scores than the sentences made with it: the "
            f"template is not used as given: {mismatch}.",
            evidence=_evidence(expected, label_scores),
        )


def _evidence(expected: dict[str, Any], label_scores: dict[str, float]) -> dict[str, Any]:
    return {"template": TEMPLATE, "sentences": expected, "labels": label_scores}
