from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect, NotApplicable
from suites.pipelines.contracts.agreement import rounding
from suites.pipelines.contracts.registry import comparable_contract


@pytest.mark.tasks("object-detection", "zero-shot-object-detection", "keypoint-matching")
@uses("task")
def test_thresholds_respected(pipe: Pipe, task: str) -> None:
    """With a threshold, the pipeline returns exactly the results that score above it.

    Why: the threshold is the user's choice between misses and false alarms; if it is not passed on, there are hundreds
    of boxes, or none.
    Fix: check that `threshold` reaches the processor's post-processing; no change in the model helps.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines#transformers.ObjectDetectionPipeline
    """
    contract = comparable_contract(pipe)
    sample = contract.samples(pipe)[0]
    scores = [entry["score"] for entry in contract.answer(pipe, sample, threshold=0.0)]
    limit = _middle_of_largest_gap(scores, rounding(pipe))
    above = [score for score in scores if score > limit]
    found = [entry["score"] for entry in contract.answer(pipe, sample, threshold=limit)]
    if len(found) != len(above):
        raise Defect(
            f"{task}: with a threshold of {limit:.4f}, {len(found)} of {len(scores)} results are returned, but "
            f"{len(above)} score above it: the threshold is not respected.",
            evidence={"threshold": limit, "found": found[:20], "all": sorted(scores, reverse=True)[:20]},
        )


def _middle_of_largest_gap(scores: Sequence[float], noise: float) -> float:
    """Returns the middle of the largest gap between two scores, which must be larger than rounding."""
    gaps = [(high - low, (high + low) / 2) for low, high in pairwise(sorted(scores))]
    width, middle = max(gaps, default=(0.0, 0.0))
    if width <= 2 * noise:
        raise NotApplicable(
            f"no two of the {len(scores)} scores differ by more than rounding: there is no threshold between them"
        )
    return middle
