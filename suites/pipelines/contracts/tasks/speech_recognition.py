"""Sounds to text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.inputs import audio
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts import audio_inputs
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.text_inputs import leaked

SPELLED = ("mia", "omi emi", "amo mai omi")


def samples(pipe: Pipe) -> list[Any]:
    return [audio.spelled(text, audio_inputs.rate(pipe)) for text in SPELLED]


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
        canary_input=audio_inputs.given,
        invalid_inputs=audio_inputs.no_sounds,
        meaning=lambda answer: str(answer["text"]),
        generates_text=True,
    ),
)
