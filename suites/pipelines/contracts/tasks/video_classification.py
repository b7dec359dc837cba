"""Video classification: videos to labels with scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fixtures.inputs import images, videos
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.image_inputs import NO_SERVER, directory
from suites.pipelines.contracts.tasks import text_classification


def frame_count(pipe: Pipe) -> int:
    """Returns the number of frames that the model takes."""
    found = getattr(pipe.model.config, "num_frames", None)
    return found if isinstance(found, int) else videos.FRAMES


def samples(pipe: Pipe) -> list[str]:
    """Returns videos of several sizes and lengths."""
    count = frame_count(pipe)
    return [
        videos.as_file(videos.moving_disc(way, size, frames=count + more), directory("videos") / f"{way} {count}.mkv")
        for way, size, more in zip(videos.DIRECTIONS, videos.SIZES, (0, 3, 8), strict=False)
    ]


def canary_input(value: Any, pipe: Pipe) -> Any:
    """Converts `{"moving": "left", "frames": 4}` into a video file; keeps other values as they are."""
    if not isinstance(value, Mapping) or "moving" not in value:
        return value
    shot = videos.moving_disc(value["moving"], frames=value.get("frames", videos.FRAMES))
    return videos.as_file(shot, directory("videos") / f"canary {value['moving']}.mkv")


def invalid_videos(pipe: Pipe) -> dict[str, Any]:
    folder = directory("no videos")
    whole = videos.as_file(videos.moving_disc("left", frames=frame_count(pipe)), folder / "whole.mkv")
    half = folder / "half.mkv"
    with open(whole, "rb") as file:
        data = file.read()
    half.write_bytes(data[: len(data) // 3])
    return {
        "a number": 3,
        "None": None,
        "an empty text": "",
        "a file that does not exist": "no-such-video.mp4",
        "an image": images.as_file(images.picture(images.KINDS[0]), folder),
        "a third of a video": str(half),
        "a video of one frame": videos.as_file(videos.moving_disc("left", frames=1), folder / "short.mkv"),
        "an address without a server": NO_SERVER,
    }


CONTRACTS = (
    Contract(
        tasks=("video-classification",),
        samples=samples,
        problems=text_classification.problems,
        options=lambda pipe: {"top_k": pipe.model.config.num_labels},
        canary_input=canary_input,
        invalid_inputs=invalid_videos,
        meaning=lambda answer: str(answer[0]["label"]),
    ),
)
