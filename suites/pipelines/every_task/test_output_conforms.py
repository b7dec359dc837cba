from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fixtures.pipelines.pipe import Pipe
from suites.findings import Defect
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.registry import contract_of

SCORES = ("logits", "boxes", "logits_per_image", "logits_per_audio")
"""Ends of the names of a model's outputs that answers are read from."""


@contextmanager
def _watched(model: Any) -> Iterator[list[str]]:
    """Names of what the model gives that holds NaN: thresholds and labels that are left out hide it from answers."""
    found: list[str] = []

    def look(module: Any, given: Any, output: Any) -> None:
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


def test_output_conforms(pipe: Pipe, task: str) -> None:
    """A pipeline answers in the form that its task promises: keys, ranges, order, sums.

    Why: what reads the answers relies on it; a head of another width, scores that are no probabilities or a label that
    the config does not have go unnoticed until somebody counts.
    Fix: the finding names what is wrong; the head, the labels or `problem_type` in config.json decide it.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines
    """
    contract = contract_of(pipe)
    samples = contract.samples(pipe)
    with _watched(pipe.model) as found:
        answers = contract.answers(pipe, samples)
    if found:
        raise Defect(
            f"{task}: the model's {found[0]} hold values that are NaN.", evidence={"outputs": sorted({*found})}
        )
    for sample, answer in zip(samples, answers, strict=True):
        if problem := next(contract.problems(sample, answer, pipe), None):
            raise Defect(f"{task}: {problem}.", evidence={"input": brief(sample), "answer": brief(answer)})
