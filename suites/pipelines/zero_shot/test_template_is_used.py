from __future__ import annotations

from typing import Any

import pytest

from fixtures.pipelines.pipe import Pipe
from suites.findings import Defect
from suites.pipelines.contracts.agreement import difference, rounding
from suites.pipelines.contracts.registry import comparable_contract
from suites.pipelines.zero_shot.labels import TASKS, labels_of, scores

TEMPLATE = "a {} here"


@pytest.mark.tasks(*TASKS)
def test_template_is_used(pipe: Pipe, task: str) -> None:
    """A label gets the score that the sentence gets which the template makes of it.

    Why: these models were trained on sentences; the template is a part of the question, and one that is ignored, or
    filled in twice, costs some points of accuracy and nothing else.
    Fix: give `hypothesis_template` with one pair of braces; nothing in the subject.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines#transformers.ZeroShotImageClassificationPipeline
    """
    contract = comparable_contract(pipe)
    sample, labels = contract.samples(pipe)[0], labels_of(contract, pipe)
    written = [TEMPLATE.format(label) for label in labels]
    filled = scores(contract.answer(pipe, sample, candidate_labels=labels, hypothesis_template=TEMPLATE))
    whole = scores(contract.answer(pipe, sample, candidate_labels=written, hypothesis_template="{}"))
    expected = {label: whole.get(sentence) for label, sentence in zip(labels, written, strict=True)}
    if mismatch := difference(expected, filled, 10 * rounding(pipe)):
        raise Defect(
            f"{task}: with the template {TEMPLATE!r} labels get other scores than the sentences that it makes of them, "
            f"the template is not used as given: {mismatch}.",
            evidence=_as_json(expected, filled),
        )


def _as_json(expected: dict[str, Any], filled: dict[str, float]) -> dict[str, Any]:
    return {"template": TEMPLATE, "sentences": expected, "labels": filled}
