from __future__ import annotations

from typing import Any

import pytest

from fixtures.inputs import scenes
from fixtures.pipelines.pipe import Pipe
from suites.findings import Defect, Hazard, Unsupported
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.registry import contract_of
from suites.pipelines.contracts.tasks.keypoint_matching import NAMES, outside


@pytest.mark.tasks("keypoint-matching")
def test_points_lie_in_pictures(pipe: Pipe, task: str) -> None:
    """The points that match lie in their pictures, also where these are wider than high.

    Why: points are told in shares of the model's input; brought back with width for height they lie at wrong places in
    every picture that is not square, and outside of many.
    Fix: call the model and `post_process_keypoint_matching` with (height, width) of each picture instead of the
    pipeline, or give the pipeline square pictures; report it to the library.
    Source: https://github.com/huggingface/transformers/issues/42005
    """
    contract = contract_of(pipe)
    scene = scenes.SCENES[2][1]
    for size in ((96, 48), (48, 96)):
        picture = scenes.painted(size, scene)
        pair = [picture, picture.copy()]
        answer = contract.answer(pipe, pair)
        if not answer:
            raise Unsupported("the model finds no points in plain shapes")
        if problem := next(outside(pair, answer), None):
            kind, why = (Hazard, "; width and height are exchanged") if _exchanged(answer, size) else (Defect, "")
            raise kind(f"{task}: {problem}{why}.", evidence={"size": size, "points": brief(answer)})


def _exchanged(answer: Any, size: tuple[int, int]) -> bool:
    """Whether all points would lie in a picture that is as wide as this one is high.

    That is the pipeline's mistake (seen in transformers 4.57 and 5.23) and no subject's; the model classes do it right.
    """
    return all(match[name]["x"] <= size[1] and match[name]["y"] <= size[0] for match in answer for name in NAMES)
