"""Speech recognition: audio to text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.inputs import audio
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts import audio_inputs
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.text_inputs import leaked_special_tokens

SPELLED = ("mia", "omi emi", "amo mai omi")


def samples(pipe: Pipe) -> list[Any]:
    return [audio.spelled_in_tones(text, audio_inputs.sampling_rate(pipe)) for text in SPELLED]


def problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless the answer is a text without special tokens."""
    text = answer["text"]
    if not isinstance(text, str):
        yield f"the text is {text!r}"
        return
    yield from leaked_special_tokens(pipe, text)


CONTRACTS = (
    Contract(
        tasks=("automatic-speech-recognition",),
        samples=samples,
        problems=problems,
        canary_input=audio_inputs.canary_input,
        invalid_inputs=audio_inputs.invalid_audio,
        meaning=lambda answer: str(answer["text"]),
    ),
)
