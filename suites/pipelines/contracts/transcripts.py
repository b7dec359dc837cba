"""Sounds to text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.inputs import audio
from fixtures.tasks.pipe import Pipe
from suites.pipelines import sounds
from suites.pipelines.contract import Contract

SPELLED = ("mia", "omi emi", "amo mai omi")


def samples(pipe: Pipe) -> list[Any]:
    return [audio.spelled(text, sounds.rate(pipe)) for text in SPELLED]


def problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """A text without special tokens."""
    text = answer["text"]
    if not isinstance(text, str):
        yield f"the text is {text!r}"
        return
    leaked = [token for token in pipe.tokenizer.all_special_tokens if token and token in text]
    if leaked:
        yield f"the special token {leaked[0]!r} is in the text {text!r}"


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
