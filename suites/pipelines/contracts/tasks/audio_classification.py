"""Audio classification: audio to labels with scores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts import audio_inputs
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.tasks import text_classification


def label_problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Yields the problems of a text classification, except for audio that holds NaN: its scores may be NaN too."""
    if not audio_inputs.holds_nan(sample):
        yield from text_classification.problems(sample, answer, pipe)


CONTRACTS = (
    Contract(
        tasks=("audio-classification",),
        samples=audio_inputs.samples,
        problems=label_problems,
        options=lambda pipe: {"top_k": pipe.model.config.num_labels},
        canary_input=audio_inputs.canary_input,
        invalid_inputs=audio_inputs.invalid_audio,
        meaning=lambda answer: str(answer[0]["label"]),
    ),
)
