"""Sounds to labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts import sounds_agree
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.tasks import classification


def label_problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """As of a text; a sound that holds NaN may have scores that are NaN, which nobody takes for an answer."""
    if not sounds_agree.holds_nan(sample):
        yield from classification.problems(sample, answer, pipe)


CONTRACTS = (
    Contract(
        tasks=("audio-classification",),
        samples=sounds_agree.samples,
        problems=label_problems,
        options=lambda pipe: {"top_k": pipe.model.config.num_labels},
        given=sounds_agree.given,
        refused=sounds_agree.no_sounds,
        meaning=lambda answer: str(answer[0]["label"]),
    ),
)
