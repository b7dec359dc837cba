from __future__ import annotations

import pytest

from fixtures.inputs.canaries import Canary
from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect, Limit
from suites.pipelines.audio.chunks import changed_words, chunk_options, require_ctc
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.audio_inputs import sampling_rate
from suites.pipelines.contracts.registry import contract_of

MAX_CHANGED = 0.1
"""Share of the words that may change: chunks hide context, so that a healthy model may spell one differently."""


@pytest.mark.tasks("automatic-speech-recognition")
@uses("task", "inputs")
def test_chunks_join(canaries: tuple[Canary, ...], pipe: Pipe, task: str) -> None:
    """Long audio in overlapping chunks gives the same words as in one pass.

    Why: long recordings are split into chunks (`chunk_length_s`); if overlaps are joined wrongly, words at the
    boundaries are doubled or lost, and the text still looks plausible.
    Fix: check `stride_length_s`, and the strides of the convolutions in config.json, from which chunks are computed.
    Source: https://huggingface.co/blog/asr-chunking
    """
    import numpy

    contract = contract_of(pipe)
    require_ctc(pipe)
    recordings = [contract.canary_input(canary.input, pipe) for canary in canaries]
    if not all(isinstance(recording, numpy.ndarray) for recording in recordings):
        raise Limit("the canaries are audio files; this check needs arrays, which it can join")
    recording = numpy.concatenate(recordings)
    options = chunk_options(len(recording) / sampling_rate(pipe))
    whole = contract.answer(pipe, recording)["text"]
    chunked = contract.answer(pipe, recording, **options)["text"]
    changed = changed_words(whole, chunked)
    if len(changed) > MAX_CHANGED * len(whole.split()):
        raise Defect(
            f"{task}: in chunks of {options['chunk_length_s']:.1f} s, {changed[0]}: words at a boundary are doubled, "
            "lost or cut.",
            evidence={"in one pass": brief(whole), "in chunks": brief(chunked), "changes": changed},
        )
