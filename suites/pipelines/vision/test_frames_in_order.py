from __future__ import annotations

from itertools import pairwise

import pytest

from fixtures.inputs import clips
from fixtures.pipelines.pipe import Pipe
from suites.findings import Defect, Unsupported
from suites.pipelines.contracts.image_inputs import directory
from suites.pipelines.contracts.registry import contract_of
from suites.pipelines.contracts.tasks.video_classification import frame_count
from suites.pipelines.image_processing.processors import PIXELS

DARK, BRIGHT = 20, 235
RATE = 2


@pytest.mark.tasks("video-classification")
def test_frames_in_order(pipe: Pipe, task: str) -> None:
    """The model gets as many frames as it was made for, in the order of the video, each once, and every second one when
    that is asked for.

    Why: movement is in the order; frames that come backwards, twice, or at another pace are another movement, and the
    scores look as sure as ever.
    Fix: compare `num_frames` in config.json with training, and `frame_sampling_rate` with the video's frame rate.
    Source: https://github.com/huggingface/transformers/pull/48076
    """
    contract_of(pipe)
    if not hasattr(pipe.library, "preprocess"):
        raise Unsupported("the task does not run through a pipeline here")
    count = frame_count(pipe)
    levels = [round(DARK + (BRIGHT - DARK) * at / (RATE * count)) for at in range(RATE * count + 1)]
    video = clips.as_file(clips.counted(levels), directory("videos") / "counted.mkv")
    for rate in (1, RATE):
        seen = _seen(pipe, video, rate, len(levels))
        if problem := _problem(seen, count, rate):
            raise Defect(f"{task}: {problem}.", evidence={"frames": seen, "frame_sampling_rate": rate})


def _seen(pipe: Pipe, video: str, rate: int, count: int) -> list[int]:
    """Which frames reach the model: they get brighter, so that the place in the range of brightness is their number."""
    import numpy

    prepared = pipe.library.preprocess(video, frame_sampling_rate=rate)
    name = next((name for name in prepared if name.startswith(PIXELS)), None)
    if name is None or prepared[name].ndim != 5:
        raise Unsupported(f"the model gets {sorted(prepared)}: no frames one behind the other")
    values = numpy.asarray(prepared[name].float())[0, :, 0]
    middle = values[:, values.shape[1] // 2, values.shape[2] // 2].astype("float64")
    dark, bright = (_value(pipe, level, name) for level in (DARK, BRIGHT))
    return [round((each - dark) / (bright - dark) * (count - 1)) for each in middle.tolist()]


def _value(pipe: Pipe, level: int, name: str) -> float:
    """The number that a level of grey becomes."""
    path = clips.as_file(
        clips.counted([level] * (RATE * frame_count(pipe) + 1)), directory("videos") / f"grey {level}.mkv"
    )
    found = pipe.library.preprocess(path)[name][0, 0, 0]
    return float(found[found.shape[0] // 2, found.shape[1] // 2])


def _problem(seen: list[int], count: int, rate: int) -> str:
    told = ", ".join(map(str, seen[:8])) + (", ..." if len(seen) > 8 else "")
    if len(seen) != count:
        return f"{len(seen)} frames reach a model that was made for {count}"
    if any(after <= before for before, after in pairwise(seen)):
        return f"the frames {told} reach the model in this order: not that of the video, each once"
    if rate > 1 and seen[-1] < count + 1:
        return f"with frame_sampling_rate={rate} the frames {told} reach the model: every one, not every second"
    return ""
