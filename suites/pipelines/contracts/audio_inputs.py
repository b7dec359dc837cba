"""Sounds at the rate that a pipeline's model hears at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fixtures.inputs import audio
from fixtures.pipelines.pipe import Pipe
from suites.findings import Unsupported


def rate(pipe: Pipe) -> int:
    """Samples per second, as the feature extractor says; `Unsupported` where there is none."""
    extractor = getattr(pipe.library, "feature_extractor", None)
    found = getattr(extractor, "sampling_rate", None)
    if not isinstance(found, int):
        raise Unsupported(f"the pipeline {pipe.task} does not know at which rate its model hears")
    return found


def samples(pipe: Pipe) -> list[Any]:
    return audio.sounds(rate(pipe))


def given(known: Any, pipe: Pipe) -> Any:
    """`{"sound": "low"}` or `{"spelled": "mia"}` as samples at the pipeline's rate; anything else as it is."""
    if isinstance(known, Mapping) and "sound" in known:
        return audio.sound(known["sound"], rate(pipe))
    if isinstance(known, Mapping) and "spelled" in known:
        return audio.spelled(known["spelled"], rate(pipe))
    return known


def holds_nan(sample: Any) -> bool:
    import numpy

    return isinstance(sample, numpy.ndarray) and bool(numpy.isnan(sample).any())


def no_sounds(pipe: Pipe) -> dict[str, Any]:
    """What is none, and what a broken microphone gives."""
    import numpy

    good = audio.sounds(rate(pipe))[0]
    broken = good.copy()
    broken[len(good) // 2] = numpy.nan
    return {
        "a number": 3,
        "None": None,
        "a file that does not exist": "no-such-sound.wav",
        "bytes that are no sound": b"no sound",
        "two channels": numpy.stack([good, good]),
        "no samples": good[:0],
        "a sample that is NaN": broken,
        "a table without a rate": {"raw": good},
    }
