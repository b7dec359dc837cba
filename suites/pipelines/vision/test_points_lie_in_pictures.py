from __future__ import annotations

from typing import Any

import pytest

from fixtures.inputs import scenes
from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect, Hazard, NotApplicable
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.registry import contract_of
from suites.pipelines.contracts.tasks.keypoint_matching import NAMES, outside


@pytest.mark.tasks("keypoint-matching")
@uses("task")
def test_points_lie_in_pictures(pipe: Pipe, task: str) -> None:
    """Matched points are inside of their images, also if these are not square.

    Why: models return points relative to their input size; scaled back with width and height exchanged, they are wrong
    in every image that is not square, and often outside of it.
    Fix: instead of the pipeline, call the model and `post_process_keypoint_matching` with (height, width) of each
    image, or use square images; report it to the library.
    Source: https://github.com/huggingface/transformers/issues/42005
    """
    contract = contract_of(pipe)
    scene = scenes.SCENES[2][1]
    for size in ((96, 48), (48, 96)):
        image = scenes.picture(size, scene)
        pair = [image, image.copy()]
        answer = contract.answer(pipe, pair)
        if not answer:
            raise NotApplicable("the model finds no points in images of simple shapes")
        if problem := next(outside(pair, answer), None):
            kind, why = (Hazard, "; width and height are exchanged") if _exchanged(answer, size) else (Defect, "")
            raise kind(f"{task}: {problem}{why}.", evidence={"size": size, "points": brief(answer)})


def _exchanged(answer: Any, size: tuple[int, int]) -> bool:
    """True if all points would be inside of an image with width and height exchanged.

    This is a bug of the pipeline (transformers 4.57 and 5.23), not of the model; the model classes work correctly.
    """
    return all(match[name]["x"] <= size[1] and match[name]["y"] <= size[0] for match in answer for name in NAMES)
