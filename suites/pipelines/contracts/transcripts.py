"""Sounds to text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.inputs import audio
from fixtures.tasks.pipe import Pipe
from suites.pipelines import sounds
from suites.pipelines.contract import Contract
from suites.pipelines.texts import leaked

SPELLED = ("mia", "omi emi", "amo mai omi")


def samples(pipe: Pipe) -> list[Any]:
    return [audio.spelled(text, sounds.rate(pipe)) for text in SPELLED]


def problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """A text without special tokens."""
    text = answer["text"]
    if not isinstance(text, str):
        yield f"the text is {text!r}"
        return
    yield from leaked(pipe, text)


CONTRACTS = (
    Contract(
        tasks=("automatic-speech-recognition",),
        samples=samples,
        problems=problems,
        given=sounds.given,
        refused=sounds.no_sounds,
        meaning=lambda answer: str(answer["text"]),
        writes=True,
    ),
)
