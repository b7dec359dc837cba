from __future__ import annotations

import pytest

from fixtures.inputs import audio
from fixtures.pipelines.pipe import Pipe
from suites.findings import Defect, Record
from suites.pipelines.contracts.agreement import brief, difference, rounding
from suites.pipelines.contracts.audio_inputs import sampling_rate
from suites.pipelines.contracts.registry import contract_of

KIND = "middle"


@pytest.mark.tasks("audio-classification", "automatic-speech-recognition")
def test_sampling_rate_heeded(pipe: Pipe, task: str, record: Record) -> None:
    """A sound that says at which rate it was taken is brought to the model's rate, or refused.

    Why: samples at another rate are sound at another pitch and speed; the model answers, wrongly.
    Fix: install torchaudio, which the pipeline resamples with, or resample before; nothing in the subject.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines#transformers.AudioClassificationPipeline
    """
    contract, own = contract_of(pipe), sampling_rate(pipe)
    right = audio.sound(KIND, own)
    expected = contract.answer(pipe, right)
    told = contract.answer(pipe, {"raw": right.copy(), "sampling_rate": own})
    if mismatch := difference(expected, told, rounding(pipe)):
        raise Defect(f"{task}: with its rate of {own} beside it, a sound gets another answer: {mismatch}.")
    half = audio.sound(KIND, own // 2)
    try:
        answer = contract.answer(pipe, {"raw": half.copy(), "sampling_rate": own // 2})
    except Exception as error:  # whatever it is, it is a refusal
        record.capability(f"pipelines.{task}.other_rates", "refused", evidence={"told": str(error)[:200]})
        return
    record.capability(f"pipelines.{task}.other_rates", "resampled")
    as_they_are = contract.answer(pipe, half)
    if difference(expected, as_they_are, 0.1) and not difference(as_they_are, answer, rounding(pipe)):
        raise Defect(
            f"{task}: a sound at {own // 2} samples per second is answered as if it were at {own}.",
            evidence={"at the right rate": brief(expected), "at half of it": brief(answer)},
        )
