from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fixtures.pipelines.pipe import Pipe
from suites.findings import Defect, Hazard, Record
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.registry import comparable_contract

BATCH = 2
NEAR_TIE = "; text is chosen token by token, and the generation suite tells whether rounding explains it"

SILENCE = "; the feature extractor gives no attention mask, and the model hears the silence behind shorter sounds"
"""Documented: https://huggingface.co/docs/transformers/model_doc/wav2vec2#transformers.Wav2Vec2FeatureExtractor"""


def test_batch_equals_single(pipe: Pipe, task: str, record: Record) -> None:
    """Inputs in batches get the answers that they get alone, in their order, also in a last batch that is not full.

    Why: padding that the model attends to, or positions that ignore it, change answers with the company that an input
    keeps, and nobody sees it.
    Fix: look at the padding token, the padding side and the attention mask; for images at the sizes that are batched.
    Source: https://huggingface.co/docs/transformers/main/en/pipeline_tutorial#batch-inference
    """
    contract = comparable_contract(pipe)
    samples, together = _in_batches(contract, pipe, record)
    alone = [pipe.first, *(contract.answer(pipe, sample) for sample in samples[1:])]
    if len(together) != len(samples):
        raise Defect(f"{task}: {len(samples)} inputs in batches of {BATCH} got {len(together)} answers.")
    for sample, one, other in zip(samples, alone, together, strict=True):
        if mismatch := contract.difference(pipe, one, contract.from_batch(one, other)):
            kind, more = (Hazard, NEAR_TIE) if contract.generates_text else (Defect, "")
            if _padded_with_silence(pipe):
                kind, more = Hazard, SILENCE
            raise kind(
                f"{task}: in a batch of {BATCH} {mismatch}{more}.",
                evidence={"input": brief(sample), "alone": brief(one), "in a batch": brief(other)},
            )


def _padded_with_silence(pipe: Pipe) -> bool:
    """Whether sounds are padded with zeros and no mask, as models were trained that normalise over the whole sound."""
    extractor = getattr(pipe.library, "feature_extractor", None)
    unmasked = getattr(extractor, "return_attention_mask", None) is False
    return unmasked and getattr(pipe.model.config, "feat_extract_norm", None) == "group"


def _in_batches(contract: Contract, pipe: Pipe, record: Record) -> tuple[Sequence[Any], list[Any]]:
    """Inputs with their answers: of several sizes, else of one size where others do not fit into one batch."""
    samples = contract.samples(pipe)
    size = {"batch_size": BATCH} if contract.can_batch(pipe) else {}
    try:
        return samples, contract.answers(pipe, samples, **size)
    except MemoryError:
        raise
    except Exception as error:  # different sizes are refused by the shape of a tensor
        told = f"{type(error).__name__}: {error}"[:200]
    record.capability(f"pipelines.{pipe.task}.batches_of_several_sizes", "refused", evidence={"told": told})
    alike = [samples[0]] * (BATCH + 1)
    try:
        return alike, contract.answers(pipe, alike, **size)
    except MemoryError:
        raise
    except Exception as error:
        raise Hazard(
            f"{pipe.task}: what is answered one by one fails in batches of {BATCH}: {type(error).__name__}: "
            f"{' '.join(str(error).split())[:160]}"
        ) from error
