from __future__ import annotations

import pytest

from fixtures.inputs import audio
from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect, Record
from suites.pipelines.contracts import library_errors
from suites.pipelines.contracts.agreement import brief, difference, rounding
from suites.pipelines.contracts.audio_inputs import sampling_rate
from suites.pipelines.contracts.registry import contract_of

PITCH = "middle"


@pytest.mark.tasks("audio-classification", "automatic-speech-recognition")
@uses("task", "inputs")
def test_sampling_rate_heeded(pipe: Pipe, task: str, record: Record) -> None:
    """Audio with another declared sampling rate is resampled to the model's rate, or refused.

    Why: samples at another rate sound faster and higher, and the model answers wrongly.
    Fix: install torchaudio, which the pipeline uses for resampling, or resample before; no change in the model helps.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines#transformers.AudioClassificationPipeline
    """
    contract, model_rate = contract_of(pipe), sampling_rate(pipe)
    original = audio.sound(PITCH, model_rate)
    expected = contract.answer(pipe, original)
    declared = contract.answer(pipe, {"raw": original.copy(), "sampling_rate": model_rate})
    if mismatch := difference(expected, declared, rounding(pipe)):
        raise Defect(f"{task}: audio declared as {model_rate} Hz gets another answer than without a rate: {mismatch}.")
    half = audio.sound(PITCH, model_rate // 2)
    try:
        answer = contract.answer(pipe, {"raw": half.copy(), "sampling_rate": model_rate // 2})
    except Exception as error:  # any error is a refusal
        message = library_errors.in_words(error)
        record.capability(f"pipelines.{task}.other_sampling_rates", "refused", evidence={"message": message})
    else:
        record.capability(f"pipelines.{task}.other_sampling_rates", "resampled")
        not_resampled = contract.answer(pipe, half)
        if difference(expected, not_resampled, 0.1) and not difference(not_resampled, answer, rounding(pipe)):
            raise Defect(
                f"{task}: audio at {model_rate // 2} samples per second is answered as if it were at {model_rate}.",
                evidence={"at the right rate": brief(expected), "at half of it": brief(answer)},
            )
