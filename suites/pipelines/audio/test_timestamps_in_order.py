from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from fixtures.inputs import audio
from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect
from suites.pipelines.audio.chunks import chunk_options, require_ctc
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.audio_inputs import sampling_rate
from suites.pipelines.contracts.registry import contract_of

TEXT = "mia omi emi amo mai ame omo aim"


@pytest.mark.tasks("automatic-speech-recognition")
@uses("task", "inputs")
def test_timestamps_in_order(pipe: Pipe, task: str) -> None:
    """Timestamps of words increase and are within the audio, also in chunks.

    Why: subtitles and cuts rely on these times; those that count from the start of a chunk, or at another rate, point
    to other words.
    Fix: compare `sampling_rate` in preprocessor_config.json and the convolutions' strides in config.json with training.
    Source: https://github.com/huggingface/transformers/issues/31778
    """
    contract = contract_of(pipe)
    require_ctc(pipe)
    sound = audio.spelled_in_tones(TEXT, sampling_rate(pipe))
    duration = len(sound) / sampling_rate(pipe)
    step = getattr(pipe.model.config, "inputs_to_logits_ratio", 1) / sampling_rate(pipe)
    for way, options in (("in one pass", {}), ("in chunks", chunk_options(duration))):
        words = contract.answer(pipe, sound, return_timestamps="word", **options)["chunks"]
        if problem := next(_disorder(words, duration + step), None):
            raise Defect(
                f"{task}: {way}, {problem}; the audio lasts {duration:.2f} s.",
                evidence={"words": brief(words)},
            )


def _disorder(words: Sequence[Mapping[str, Any]], end: float) -> Iterator[str]:
    before = 0.0
    for word in words:
        start, stop = (float(time) for time in word["timestamp"])
        if not before <= start <= stop <= end:
            yield f"{word['text']!r} lasts from {start:.2f} to {stop:.2f} s, after a word that ends at {before:.2f} s"
        before = stop
