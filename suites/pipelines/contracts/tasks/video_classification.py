"""Videos to labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fixtures.inputs import clips, images
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.tasks import text_classification
from suites.pipelines.contracts.tasks.image_classification import NOBODY, place


def frames(pipe: Pipe) -> int:
    """How many frames the model sees."""
    found = getattr(pipe.model.config, "num_frames", None)
    return found if isinstance(found, int) else clips.FRAMES


def samples(pipe: Pipe) -> list[str]:
    """Videos of several sizes and lengths."""
    ways = zip(clips.WAYS, clips.SIZES, (0, 3, 8), strict=False)
    return [
        clips.as_file(
            clips.moving(way, size, frames=frames(pipe) + more), place("videos") / f"{way} {frames(pipe)}.mkv"
        )
        for way, size, more in ways
    ]


def given(known: Any, pipe: Pipe) -> Any:
    """`{"moving": "left", "frames": 4}` as a file; anything else as it is."""
    if not isinstance(known, Mapping) or "moving" not in known:
        return known
    shot = clips.moving(known["moving"], frames=known.get("frames", clips.FRAMES))
    return clips.as_file(shot, place("videos") / f"canary {known['moving']}.mkv")


def no_videos(pipe: Pipe) -> dict[str, Any]:
    folder = place("no videos")
    whole = clips.as_file(clips.moving("left", frames=frames(pipe)), folder / "whole.mkv")
    half = folder / "half.mkv"
    with open(whole, "rb") as file:
        data = file.read()
    half.write_bytes(data[: len(data) // 3])
    return {
        "a number": 3,
        "None": None,
        "an empty text": "",
        "a file that does not exist": "no-such-video.mp4",
        "a picture": images.as_file(images.drawn(images.KINDS[0]), folder),
        "a third of a video": str(half),
        "a video of one frame": clips.as_file(clips.moving("left", frames=1), folder / "short.mkv"),
        "an address that nobody answers": NOBODY,
    }


CONTRACTS = (
    Contract(
        tasks=("video-classification",),
        samples=samples,
        problems=text_classification.problems,
        options=lambda pipe: {"top_k": pipe.model.config.num_labels},
        canary_input=given,
        invalid_inputs=no_videos,
        meaning=lambda answer: str(answer[0]["label"]),
    ),
)
