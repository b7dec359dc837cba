from __future__ import annotations

import pytest

from fixtures.inputs.canaries import Canary
from fixtures.pipelines.pipe import Pipe
from suites.findings import Defect, Unsupported
from suites.pipelines.audio.chunks import in_pieces, needs_ctc, other_words
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.audio_inputs import sampling_rate
from suites.pipelines.contracts.registry import contract_of

SEAMS = 0.1
"""Share of the words that may change: a piece hides context, so that a healthy model may spell one otherwise."""


@pytest.mark.tasks("automatic-speech-recognition")
def test_chunks_join(canaries: tuple[Canary, ...], pipe: Pipe, task: str) -> None:
    """A long sound that is read in overlapping pieces has the words that it has in one pass, each once.

    Why: long recordings are read in pieces (`chunk_length_s`); where the overlaps are joined wrongly, words at the
    seams are doubled or lost, and the text still reads well.
    Fix: look at `stride_length_s`, and at the strides of the convolutions in config.json, which the pipeline counts by.
    Source: https://huggingface.co/blog/asr-chunking
    """
    import numpy

    contract = contract_of(pipe)
    needs_ctc(pipe)
    given = [contract.canary_input(canary.input, pipe) for canary in canaries]
    if not all(isinstance(sound, numpy.ndarray) for sound in given):
        raise Unsupported("the known sounds are files: only samples can be put one behind the other")
    sound = numpy.concatenate(given)
    options = in_pieces(len(sound) / sampling_rate(pipe))
    whole = contract.answer(pipe, sound)["text"]
    pieces = contract.answer(pipe, sound, **options)["text"]
    changed = other_words(whole, pieces)
    if len(changed) > SEAMS * len(whole.split()):
        raise Defect(
            f"{task}: read in pieces of {options['chunk_length_s']:.1f} s, {changed[0]}: words at a seam are doubled, "
            "lost or cut.",
            evidence={"in one pass": brief(whole), "in pieces": brief(pieces), "changes": changed},
        )
