from __future__ import annotations

from itertools import pairwise

import pytest

from fixtures.inputs import videos
from fixtures.machine import library_versions
from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect, Limit, Missing
from suites.pipelines.contracts.image_inputs import directory
from suites.pipelines.contracts.registry import contract_of
from suites.pipelines.contracts.tasks.video_classification import frame_count
from suites.pipelines.processors import PIXELS

DARK, BRIGHT = 20, 235
RATE = 2


@pytest.mark.tasks("video-classification")
@uses("task", "inputs")
def test_frames_in_order(pipe: Pipe, task: str) -> None:
    """The model gets the number of frames that it expects, in order and without repetition, at the requested rate.

    Why: motion is in the order of frames; reversed, repeated or skipped frames show another motion, and the scores look
    as certain as before.
    Fix: compare `num_frames` in config.json with training, and `frame_sampling_rate` with the video's frame rate.
    Source: https://github.com/huggingface/transformers/pull/48076
    """
    contract_of(pipe)
    if not hasattr(pipe.library, "preprocess"):
        version = library_versions.version()
        summary = f"transformers {version} has no pipeline for {task}, and seatrial's own takes frames"
        raise Missing(summary, "a version of transformers with a pipeline for videos")
    count = frame_count(pipe)
    levels = [round(DARK + (BRIGHT - DARK) * at / (RATE * count)) for at in range(RATE * count + 1)]
    video = videos.as_file(videos.grey_frames(levels), directory("videos") / "counted.mkv")
    for rate in (1, RATE):
        frames = _frames_seen(pipe, video, rate, len(levels))
        if problem := _problem(frames, count, rate):
            raise Defect(f"{task}: {problem}.", evidence={"frames": frames, "frame_sampling_rate": rate})


def _frames_seen(pipe: Pipe, video: str, rate: int, count: int) -> list[int]:
    """Returns the numbers of the frames that reach the model, which are encoded as increasing brightness."""
    import numpy

    prepared = pipe.library.preprocess(video, frame_sampling_rate=rate)
    name = next((name for name in prepared if name.startswith(PIXELS)), None)
    if name is None or prepared[name].ndim != 5:
        raise Limit(f"the model gets {sorted(prepared)}, not a sequence of frames")
    values = numpy.asarray(prepared[name].float())[0, :, 0]
    middle = values[:, values.shape[1] // 2, values.shape[2] // 2].astype("float64")
    dark, bright = (_pixel_value(pipe, level, name) for level in (DARK, BRIGHT))
    return [round((each - dark) / (bright - dark) * (count - 1)) for each in middle.tolist()]


def _pixel_value(pipe: Pipe, level: int, name: str) -> float:
    """Returns the pixel value of a grey level."""
    path = videos.as_file(
        videos.grey_frames([level] * (RATE * frame_count(pipe) + 1)), directory("videos") / f"grey {level}.mkv"
    )
    found = pipe.library.preprocess(path)[name][0, 0, 0]
    return float(found[found.shape[0] // 2, found.shape[1] // 2])


def _problem(frames: list[int], count: int, rate: int) -> str:
    shown = ", ".join(map(str, frames[:8])) + (", ..." if len(frames) > 8 else "")
    if len(frames) != count:
        return f"{len(frames)} frames reach the model, which expects {count}"
    if any(after <= before for before, after in pairwise(frames)):
        return f"frames {shown} reach the model in this order, not in that of the video, each once"
    if rate > 1 and frames[-1] < count + 1:
        return f"with frame_sampling_rate={rate}, frames {shown} reach the model: every frame, not every second"
    return ""
