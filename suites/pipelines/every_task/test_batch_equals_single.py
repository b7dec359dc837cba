from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect, Hazard, Record
from suites.pipelines.contracts import library_errors
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.registry import comparable_contract, require_repeatable

BATCH = 2
NEAR_TIE = "; the text is generated token by token, and the generation suite checks whether rounding explains this"

NO_AUDIO_MASK = (
    "; the feature extractor returns no attention mask, so that shorter audio is heard with trailing silence"
)
"""Documented: https://huggingface.co/docs/transformers/model_doc/wav2vec2#transformers.Wav2Vec2FeatureExtractor"""


@uses("task")
def test_batch_equals_single(pipe: Pipe, task: str, record: Record) -> None:
    """Inputs in batches get the same answers as alone, in their order, also in an incomplete last batch.

    Why: if the model attends to padding, or its positions ignore padding, answers depend on the other inputs of the
    batch, without any error.
    Fix: check the padding token, the padding side and the attention mask; for images, the sizes within a batch.
    Source: https://huggingface.co/docs/transformers/main/en/pipeline_tutorial#batch-inference
    """
    contract = comparable_contract(pipe)
    samples, together = _in_batches(contract, pipe, record)
    alone = [pipe.first, *(contract.answer(pipe, sample) for sample in samples[1:])]
    if len(together) != len(samples):
        raise Defect(f"{task}: {len(samples)} inputs in batches of {BATCH} get {len(together)} answers.")
    for sample, one, other in zip(samples, alone, together, strict=True):
        if mismatch := contract.difference(pipe, one, contract.from_batch(one, other)):
            require_repeatable(contract, pipe, sample)
            kind, more = (Hazard, NEAR_TIE) if contract.generates_text else (Defect, "")
            if _pads_without_mask(pipe):
                kind, more = Hazard, NO_AUDIO_MASK
            raise kind(
                f"{task}: in a batch of {BATCH}, an input gets another answer than alone: {mismatch}{more}.",
                evidence={"input": brief(sample), "alone": brief(one), "in a batch": brief(other)},
            )


def _pads_without_mask(pipe: Pipe) -> bool:
    """True if audio is padded with zeros but not masked, as models with group normalization were trained."""
    extractor = getattr(pipe.library, "feature_extractor", None)
    unmasked = getattr(extractor, "return_attention_mask", None) is False
    return unmasked and getattr(pipe.model.config, "feat_extract_norm", None) == "group"


def _in_batches(contract: Contract, pipe: Pipe, record: Record) -> tuple[Sequence[Any], list[Any]]:
    """Returns inputs with their answers: of several sizes, or of one size if the pipeline cannot batch several."""
    samples = contract.samples(pipe)
    size = {"batch_size": BATCH} if contract.can_batch(pipe) else {}
    try:
        return samples, contract.answers(pipe, samples, **size)
    except Exception as error:  # tensors of different shapes are refused
        message = library_errors.in_words(error)
    record.capability(f"pipelines.{pipe.task}.mixed_size_batches", "refused", evidence={"message": message})
    same_size = [samples[0]] * (BATCH + 1)
    try:
        return same_size, contract.answers(pipe, same_size, **size)
    except Exception as error:
        message = library_errors.in_words(error)
        raise Hazard(
            f"{pipe.task}: inputs that are answered one by one fail in batches of {BATCH}: {message}"
        ) from error
