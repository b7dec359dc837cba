"""Speech synthesis and other audio from text (`text-to-audio`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.inputs.sentences import SENTENCES
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract

RATE_KEYS = ("sampling_rate", "sample_rate")
MAX_AMPLITUDE = 1.001
"""Samples beyond -1 and 1 are clipped when they are played."""


def problems(sample: str, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless samples are finite, from -1 to 1, and at the sampling rate of the config."""
    import numpy

    sound, rate = numpy.asarray(answer["audio"]), answer["sampling_rate"]
    wanted = [found for name in RATE_KEYS if isinstance(found := getattr(pipe.model.config, name, None), int)]
    if not isinstance(rate, int) or rate <= 0:
        yield f"the sampling rate is {rate!r}"
    elif wanted and rate not in wanted:
        yield f"the audio comes with a sampling rate of {rate}, the config says {wanted[0]}"
    if not sound.size:
        yield "the audio has no samples"
    elif not numpy.isfinite(sound).all():
        yield "the audio holds samples that are NaN or infinite"
    elif numpy.abs(sound).max() > MAX_AMPLITUDE:
        yield f"the audio reaches an amplitude of {numpy.abs(sound).max():.3g}, and players clip it at 1"


def is_random(pipe: Pipe) -> bool:
    """True if the model adds noise or samples tokens."""
    config, generation = pipe.model.config, getattr(pipe.model, "generation_config", None)
    noise = (getattr(config, name, 0.0) for name in ("noise_scale", "noise_scale_duration"))
    return any(noise) or bool(getattr(generation, "do_sample", False))


def without_waveform(alone: Any, together: Any) -> Any:
    """Compares only the sampling rate: in a batch, padding changes the end of shorter outputs."""
    return {**alone, "sampling_rate": together["sampling_rate"]}


CONTRACTS = (
    Contract(
        tasks=("text-to-audio",),
        samples=lambda pipe: SENTENCES[:3],
        problems=problems,
        from_batch=without_waveform,
        answers_randomly=is_random,
        invalid_inputs=lambda pipe: {"a number": 3, "None": None, "an empty text": ""},
    ),
)
