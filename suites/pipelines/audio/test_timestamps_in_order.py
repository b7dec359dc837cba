from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from fixtures.inputs import audio
from fixtures.pipelines.pipe import Pipe
from suites.findings import Defect
from suites.pipelines.audio.chunks import in_pieces, needs_ctc
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.audio_inputs import sampling_rate
from suites.pipelines.contracts.registry import contract_of

TEXT = "mia omi emi amo mai ame omo aim"


@pytest.mark.tasks("automatic-speech-recognition")
def test_timestamps_in_order(pipe: Pipe, task: str) -> None:
    """The words of a sound have times that go up and lie within the sound, also when it is read in pieces.

    Why: subtitles and cuts are made by these times; those that count from a piece's start, or run at another rate,
    point to other words.
    Fix: compare `sampling_rate` in preprocessor_config.json and the convolutions' strides in config.json with training.
    Source: https://github.com/huggingface/transformers/issues/31778
    """
    contract = contract_of(pipe)
    needs_ctc(pipe)
    sound = audio.spelled(TEXT, sampling_rate(pipe))
    duration = len(sound) / sampling_rate(pipe)
    step = getattr(pipe.model.config, "inputs_to_logits_ratio", 1) / sampling_rate(pipe)
    for way, options in (("in one pass", {}), ("in pieces", in_pieces(duration))):
        words = contract.answer(pipe, sound, return_timestamps="word", **options)["chunks"]
        if problem := next(_disorder(words, duration + step), None):
            raise Defect(
                f"{task}: read {way}, {problem}; the sound lasts {duration:.2f} s.",
                evidence={"words": brief(words)},
            )


def _disorder(words: Sequence[Mapping[str, Any]], end: float) -> Iterator[str]:
    before = 0.0
    for word in words:
        start, stop = (float(time) for time in word["timestamp"])
        if not before <= start <= stop <= end:
            yield f"the word {word['text']!r} is said to last from {start:.2f} to {stop:.2f} s, after {before:.2f} s"
        before = stop
