from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from fixtures.models import loading
from fixtures.pipelines import pipe as pipes
from fixtures.pipelines.pipe import Pipe
from fixtures.session.needs import needs
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.findings import Defect, Hazard, Unsupported
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.registry import contract_of


@needs("full_weights")
def test_other_precision_runs(pipe: Pipe, subject: Subject, variant: Variant, task: str, memory_left: int) -> None:
    """The pipeline's weights lie where and in the dtype that was asked for, and in another dtype it answers too.

    Why: a part that stays in float32 or on the CPU makes a mixed model that is slow or fails; inputs that nobody casts
    fail with 'expected Float but found BFloat16', and only on the machine where it was to save memory.
    Fix: the finding names the weight or shows the error; cast what the processor gives, or keep the checkpoint's dtype.
    Source: https://huggingface.co/docs/transformers/main/en/pipeline_tutorial#big-models
    """
    contract = contract_of(pipe)
    if variant.quantization != "none" or getattr(pipe.model, "is_quantized", False):
        raise Unsupported("quantized weights have dtypes of their own")
    _placed(pipe, str(pipe.model.dtype).removeprefix("torch."), task)
    other = "bfloat16" if "float32" in str(pipe.model.dtype) else "float32"
    needed = subject.traits.parameters * (2 if other == "bfloat16" else 4)
    if needed > memory_left:
        raise Unsupported(f"a copy in {other} needs {needed / 1e9:.1f} GB, {memory_left / 1e9:.1f} GB are left")
    loaded = loading.load_model(subject, replace(variant, dtype=other))
    try:
        cast = pipes.make(task, subject, loaded.model)
        _placed(cast, other, task)
        _answers(contract, cast, other)
    finally:
        loading.drop_storage(loaded.model)


def _placed(pipe: Pipe, dtype: str, task: str) -> None:
    kept = _kept(pipe.model)
    for name, parameter in pipe.model.named_parameters():
        if not parameter.is_floating_point() or any(part in name for part in kept):
            continue
        if str(parameter.dtype).removeprefix("torch.") != dtype:
            raise Defect(f"{task}: asked for in {dtype}, the weight {name} is in {parameter.dtype}.")
        if parameter.device.type != pipe.model.device.type and not getattr(pipe.model, "hf_device_map", None):
            raise Defect(f"{task}: the model is on {pipe.model.device}, its weight {name} on {parameter.device}.")


def _kept(model: Any) -> set[str]:
    """Parts that the classes keep in float32 on purpose."""
    return set(_names(model))


def _names(model: Any) -> Iterator[str]:
    for part in model.modules():
        for attribute in ("_keep_in_fp32_modules", "_keep_in_fp32_modules_strict"):
            yield from getattr(part, attribute, None) or ()


def _answers(contract: Any, pipe: Pipe, dtype: str) -> None:
    sample = contract.samples(pipe)[0]
    try:
        answer = contract.answer(pipe, sample)
    except MemoryError:
        raise
    except Exception as error:  # whatever the library raises is the finding
        told = f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
        raise Hazard(f"{pipe.task}: in {dtype} an ordinary input fails: {told}") from error
    if problem := next(contract.problems(sample, answer, pipe), None):
        raise Defect(f"{pipe.task}: in {dtype} {problem}.", evidence={"input": brief(sample), "answer": brief(answer)})
