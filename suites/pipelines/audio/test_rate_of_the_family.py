from __future__ import annotations

import inspect
from typing import Any

import pytest

from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Hazard, NotApplicable
from suites.pipelines.contracts.audio_inputs import sampling_rate

SPEECH_RATE = 16_000
"""Samples per second of all published models with a feature extractor of this default."""


@pytest.mark.tasks("audio-classification", "automatic-speech-recognition", "zero-shot-audio-classification")
@uses("task", "inputs", worst="hazard")
def test_rate_of_the_family(pipe: Pipe, task: str) -> None:
    """The sampling rate of the feature extractor is the one of the config, or of the model family's training.

    Why: with a wrong rate, the model hears all audio too fast or too slow; shapes and ranges stay valid.
    Fix: set `sampling_rate` in preprocessor_config.json to the rate of the training data.
    Source: https://huggingface.co/docs/transformers/model_doc/wav2vec2#transformers.Wav2Vec2FeatureExtractor
    """
    actual, extractor = sampling_rate(pipe), pipe.library.feature_extractor
    expected, why = _expected(pipe.model.config, extractor)
    if expected is None:
        raise NotApplicable("config.json and the class of the feature extractor name no rate of training")
    if actual != expected:
        raise Hazard(
            f"{task}: sampling_rate in preprocessor_config.json is {actual}, {why} {expected}.",
            evidence={"sampling_rate": actual, "expected": expected},
        )


def _expected(config: Any, extractor: Any) -> tuple[int | None, str]:
    """Returns the expected rate (None if unknown) and the reason."""
    declared = getattr(config, "sampling_rate", None)
    if isinstance(declared, int):
        return declared, "config.json has"
    kind = type(extractor)
    default = inspect.signature(kind.__init__).parameters.get("sampling_rate")
    known = default is not None and default.default == SPEECH_RATE
    return (SPEECH_RATE, f"but models with a {kind.__name__} are trained at") if known else (None, "")
