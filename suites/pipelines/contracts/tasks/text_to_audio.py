"""Text to sound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.inputs.sentences import SENTENCES
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract

NAMES = ("sampling_rate", "sample_rate")
LOUDEST = 1.001
"""Samples go from -1 to 1; beyond that they are clipped when they are played."""


def problems(sample: str, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Finite samples from -1 to 1, and the rate of the config."""
    import numpy

    sound, rate = numpy.asarray(answer["audio"]), answer["sampling_rate"]
    wanted = [found for name in NAMES if isinstance(found := getattr(pipe.model.config, name, None), int)]
    if not isinstance(rate, int) or rate <= 0:
        yield f"the rate is {rate!r}"
    elif wanted and rate not in wanted:
        yield f"the sound comes with a rate of {rate}, the config says {wanted[0]}"
    if not sound.size:
        yield "the sound has no samples"
    elif not numpy.isfinite(sound).all():
        yield "the sound holds samples that are NaN or infinite"
    elif numpy.abs(sound).max() > LOUDEST:
        yield f"the sound goes up to {numpy.abs(sound).max():.3g}, and is clipped beyond 1"


def draws(pipe: Pipe) -> bool:
    """Whether the model adds noise, or samples tokens."""
    config, generation = pipe.model.config, getattr(pipe.model, "generation_config", None)
    noise = (getattr(config, name, 0.0) for name in ("noise_scale", "noise_scale_duration"))
    return any(noise) or bool(getattr(generation, "do_sample", False))


def without_samples(alone: Any, together: Any) -> Any:
    """A batch is as long as its longest sound, and the others' ends hear the padding: the rate is compared."""
    return {**alone, "sampling_rate": together["sampling_rate"]}


CONTRACTS = (
    Contract(
        tasks=("text-to-audio",),
        samples=lambda pipe: SENTENCES[:3],
        problems=problems,
        from_batch=without_samples,
        answers_randomly=draws,
        invalid_inputs=lambda pipe: {"a number": 3, "None": None, "an empty text": ""},
    ),
)
