from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from fixtures.models import loading
from fixtures.pipelines import pipe as pipes
from fixtures.pipelines.pipe import Pipe
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.findings import Blocked, Defect, Hazard, TooExpensive
from suites.pipelines.contracts import library_errors
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.registry import contract_of, require_valid_answers


@needs("full_weights")
@uses("task")
def test_other_precision_runs(pipe: Pipe, subject: Subject, variant: Variant, task: str, memory_left: int) -> None:
    """The weights have the requested device and dtype, and the pipeline also answers in another dtype.

    Why: a module that stays in float32 or on the CPU makes the model slow, or makes it fail; inputs that are not cast
    fail with 'expected Float but found BFloat16' as soon as a smaller dtype is used.
    Fix: the finding names the weight or quotes the error; cast the processor's output, or keep the checkpoint's dtype.
    Source: https://huggingface.co/docs/transformers/main/en/pipeline_tutorial#big-models
    """
    contract = contract_of(pipe)
    _check_dtype_and_device(pipe, str(pipe.model.dtype).removeprefix("torch."), task)
    other = "float16" if "bfloat16" in str(pipe.model.dtype) else "bfloat16"
    needed = subject.traits.parameters * 2
    if needed > memory_left:
        summary = f"a copy in {other} needs {needed / 1e9:.1f} GB, only {memory_left / 1e9:.1f} GB are left"
        raise TooExpensive(summary, "--memory-budget")
    model = loading.load_in_other_dtype(subject, pipe.model, replace(variant, dtype=other))
    try:
        cast = pipes.make(task, subject, model)
        _check_dtype_and_device(cast, other, task)
        _check_answer(contract, pipe, cast, other)
    finally:
        loading.drop_storage(model)


def _check_dtype_and_device(pipe: Pipe, dtype: str, task: str) -> None:
    float32_modules = set(_float32_modules(pipe.model))
    for name, parameter in pipe.model.named_parameters():
        if not parameter.is_floating_point() or any(part in name for part in float32_modules):
            continue
        if str(parameter.dtype).removeprefix("torch.") != dtype:
            raise Defect(f"{task}: asked for in {dtype}, the weight {name} is in {parameter.dtype}.")
        if parameter.device.type != pipe.model.device.type and not getattr(pipe.model, "hf_device_map", None):
            raise Defect(f"{task}: the model is on {pipe.model.device}, its weight {name} on {parameter.device}.")


def _float32_modules(model: Any) -> Iterator[str]:
    """Yields the names of modules that their classes keep in float32 on purpose."""
    for part in model.modules():
        for attribute in ("_keep_in_fp32_modules", "_keep_in_fp32_modules_strict"):
            yield from getattr(part, attribute, None) or ()


def _check_answer(contract: Contract, stored: Pipe, pipe: Pipe, dtype: str) -> None:
    """Compares the answer of a cast pipe with what its task documents; the stored dtype may be wrong already."""
    sample = contract.samples(pipe)[0]
    try:
        answer = contract.answer(pipe, sample)
    except Exception as error:  # any error of the library is the finding
        message = library_errors.in_words(error)
        raise Hazard(f"{pipe.task}: in {dtype} an ordinary input fails: {message}") from error
    problem = next(contract.problems(sample, answer, pipe), None)
    if problem:
        require_valid_answers(contract, stored)
    if problem and dtype == "float16":  # its range is smaller than that of the checkpoint's bfloat16
        raise Blocked(by="integrity/finite-in-every-dtype", summary=f"in float16, the answer is not valid: {problem}")
    if problem:
        raise Defect(
            f"{pipe.task}: in {dtype}, the answer is not valid: {problem}.",
            evidence={"input": brief(sample), "answer": brief(answer)},
        )
