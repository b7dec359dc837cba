from __future__ import annotations

import inspect
from typing import Any

import pytest

from fixtures.pipelines.pipe import Pipe
from suites.findings import Hazard
from suites.pipelines.contracts.audio_inputs import sampling_rate

SPEECH = 16_000
"""Samples per second of every published model that hears with a class of this default."""


@pytest.mark.tasks("audio-classification", "automatic-speech-recognition", "zero-shot-audio-classification")
def test_rate_of_the_family(pipe: Pipe, task: str) -> None:
    """The feature extractor hears at the rate that the model's config names, or that its family was trained at.

    Why: a wrong rate plays every sound too fast or too slow to the model; shapes and ranges stay right.
    Fix: set `sampling_rate` in preprocessor_config.json to the rate of training.
    Source: https://huggingface.co/docs/transformers/model_doc/wav2vec2#transformers.Wav2Vec2FeatureExtractor
    """
    own, extractor = sampling_rate(pipe), pipe.library.feature_extractor
    wanted, why = _wanted(pipe.model.config, extractor)
    if wanted and own != wanted:
        raise Hazard(
            f"{task}: sampling_rate in preprocessor_config.json is {own}, {why} {wanted}.",
            evidence={"sampling_rate": own, "expected": wanted},
        )


def _wanted(config: Any, extractor: Any) -> tuple[int | None, str]:
    """The rate that is to be expected, None where nothing tells, and what tells it."""
    named = getattr(config, "sampling_rate", None)
    if isinstance(named, int):
        return named, "config.json says"
    kind = type(extractor)
    default = inspect.signature(kind.__init__).parameters.get("sampling_rate")
    known = default is not None and default.default == SPEECH
    return (SPEECH, f"and models that hear through {kind.__name__} are trained at") if known else (None, "")
