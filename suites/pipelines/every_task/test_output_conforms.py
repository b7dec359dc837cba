from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.registry import contract_of

SCORES = ("logits", "boxes", "logits_per_image", "logits_per_audio")
"""Suffixes of the model outputs from which answers are computed."""


@contextmanager
def _outputs_with_nan(model: Any) -> Iterator[list[str]]:
    """Collects the names of model outputs that hold NaN: thresholds and omitted labels hide it from answers."""
    found: list[str] = []

    def look(module: Any, inputs: Any, output: Any) -> None:
        named = output.items() if isinstance(output, Mapping) else ()
        found.extend(name for name, value in named if name.endswith(SCORES) and _holds_nan(value))

    if not hasattr(model, "register_forward_hook"):  # a pipeline of diffusers
        yield found
        return
    handle = model.register_forward_hook(look)
    try:
        yield found
    finally:
        handle.remove()


def _holds_nan(value: Any) -> bool:
    return hasattr(value, "is_floating_point") and value.is_floating_point() and bool(value.isnan().any())


@uses("task")
def test_output_conforms(pipe: Pipe, task: str) -> None:
    """Answers have the structure that the task documents: keys, value ranges, order and sums.

    Why: callers rely on it; a head of another width, scores that are not probabilities, or a label that the config does
    not have go unnoticed until the answers are evaluated.
    Fix: the finding names the problem; check the head, the labels and `problem_type` in config.json.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines
    """
    contract = contract_of(pipe)
    samples = contract.samples(pipe)
    with _outputs_with_nan(pipe.model) as found:
        answers = contract.answers(pipe, samples)
    if found:
        raise Defect(f"{task}: the model's {found[0]} hold NaN.", evidence={"outputs": sorted({*found})})
    for sample, answer in zip(samples, answers, strict=True):
        if problem := next(contract.problems(sample, answer, pipe), None):
            raise Defect(f"{task}: {problem}.", evidence={"input": brief(sample), "answer": brief(answer)})
