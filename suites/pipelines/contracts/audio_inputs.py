"""Audio samples at the sampling rate of a pipeline's model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fixtures.inputs import audio
from fixtures.pipelines.pipe import Pipe
from suites.findings import NotApplicable


def sampling_rate(pipe: Pipe) -> int:
    """Returns the feature extractor's samples per second; raises `NotApplicable` if it names none."""
    extractor = getattr(pipe.library, "feature_extractor", None)
    found = getattr(extractor, "sampling_rate", None)
    if not isinstance(found, int):
        raise NotApplicable(f"the pipeline {pipe.task} has no feature extractor with a `sampling_rate`")
    return found


def samples(pipe: Pipe) -> list[Any]:
    return audio.sounds(sampling_rate(pipe))


def canary_input(value: Any, pipe: Pipe) -> Any:
    """Converts `{"sound": "low"}` and `{"spelled": "mia"}` into audio at the pipeline's rate. Keeps other values."""
    if isinstance(value, Mapping) and "sound" in value:
        return audio.sound(value["sound"], sampling_rate(pipe))
    if isinstance(value, Mapping) and "spelled" in value:
        return audio.spelled_in_tones(value["spelled"], sampling_rate(pipe))
    return value


def holds_nan(sample: Any) -> bool:
    import numpy

    return isinstance(sample, numpy.ndarray) and bool(numpy.isnan(sample).any())


def invalid_audio(pipe: Pipe) -> dict[str, Any]:
    """Values that are no audio, and defective recordings."""
    import numpy

    good = audio.sounds(sampling_rate(pipe))[0]
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
