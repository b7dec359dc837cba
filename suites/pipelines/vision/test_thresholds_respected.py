from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from fixtures.pipelines.pipe import Pipe
from suites.findings import Defect, Unsupported
from suites.pipelines.contracts.agreement import rounding
from suites.pipelines.contracts.registry import comparable_contract


@pytest.mark.tasks("object-detection", "zero-shot-object-detection", "keypoint-matching")
def test_thresholds_respected(pipe: Pipe, task: str) -> None:
    """What is found with a threshold is what scores above it, no more and no less.

    Why: a threshold is how users choose between missing things and imagining them; one that is lost on its way leaves
    hundreds of boxes, or none.
    Fix: compare `threshold` with what the processor's post-processing takes; nothing in the subject.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines#transformers.ObjectDetectionPipeline
    """
    contract = comparable_contract(pipe)
    sample = contract.samples(pipe)[0]
    scores = [entry["score"] for entry in contract.answer(pipe, sample, threshold=0.0)]
    limit = _widest_gap(scores, rounding(pipe))
    above = [score for score in scores if score > limit]
    found = [entry["score"] for entry in contract.answer(pipe, sample, threshold=limit)]
    if len(found) != len(above):
        raise Defect(
            f"{task}: with a threshold of {limit:.4f} {len(found)} of {len(scores)} are found, {len(above)} score "
            "above it: the threshold is not respected.",
            evidence={"threshold": limit, "found": found[:20], "all": sorted(scores, reverse=True)[:20]},
        )


def _widest_gap(scores: Sequence[float], noise: float) -> float:
    """The middle between two scores that rounding does not bring together."""
    gaps = [(high - low, (high + low) / 2) for low, high in pairwise(sorted(scores))]
    width, middle = max(gaps, default=(0.0, 0.0))
    if width <= 2 * noise:
        raise Unsupported(f"{len(scores)} scores, no two of them apart: there is no threshold between them")
    return middle
