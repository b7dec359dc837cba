"""Sounds to labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.tasks.pipe import Pipe
from suites.pipelines import sounds
from suites.pipelines.contract import Contract
from suites.pipelines.contracts import classification


def label_problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """As of a text; a sound that holds NaN may have scores that are NaN, which nobody takes for an answer."""
    if not sounds.holds_nan(sample):
        yield from classification.problems(sample, answer, pipe)


CONTRACTS = (
    Contract(
        tasks=("audio-classification",),
        samples=sounds.samples,
        problems=label_problems,
        options=lambda pipe: {"top_k": pipe.model.config.num_labels},
        given=sounds.given,
        refused=sounds.no_sounds,
        meaning=lambda answer: str(answer[0]["label"]),
    ),
)
