from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures.models import loading
from fixtures.pipelines import pipe as pipes
from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.findings import Defect, Hazard, NotApplicable, TooExpensive
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.registry import comparable_contract
from suites.pipelines.every_task.test_batch_equals_single import NEAR_TIE


@pytest.mark.accelerator
@uses("task")
def test_accelerator_agrees_with_cpu(
    pipe: Pipe, subject: Subject, variant: Variant, task: str, memory_left: int
) -> None:
    """Answers on the accelerator equal those on the CPU, within rounding.

    Why: kernels of one device can be wrong for a shape, a mask or a dtype; models are often tested on the CPU and
    deployed on an accelerator.
    Fix: try another attention implementation and float32; report the operation that differs to the library.
    Source: https://docs.pytorch.org/docs/stable/notes/numerical_accuracy.html
    """
    contract = comparable_contract(pipe)
    if variant.quantization != "none" or getattr(pipe.model, "is_quantized", False):
        raise NotApplicable("the CPU has other quantized kernels; the quantization suite compares the variants")
    if (needed := pipe.model.get_memory_footprint()) > memory_left:
        summary = f"a copy on the CPU needs {needed / 1e9:.1f} GB, only {memory_left / 1e9:.1f} GB are left"
        raise TooExpensive(summary, "--memory-budget")
    loaded = loading.load_model(subject, replace(variant, device="cpu", dtype=str(pipe.model.dtype)[6:]))
    try:
        cpu_pipe = pipes.make(task, subject, loaded.model)
        for sample in contract.samples(pipe)[:2]:
            on_device, on_cpu = contract.answer(pipe, sample), contract.answer(cpu_pipe, sample)
            if mismatch := contract.difference(pipe, on_cpu, on_device):
                kind, more = (Hazard, NEAR_TIE) if contract.generates_text else (Defect, "")
                raise kind(
                    f"{task}: the answers on the CPU and on {variant.device} differ: {mismatch}{more}.",
                    evidence={
                        "input": brief(sample),
                        "on the CPU": brief(on_cpu),
                        variant.device: brief(on_device),
                    },
                )
    finally:
        loading.drop_storage(loaded.model)
