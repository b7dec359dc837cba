from __future__ import annotations

from typing import Any

import pytest

from fixtures.pipelines.pipe import Pipe
from suites.findings import Defect, Hazard, Record
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.registry import contract_of


@pytest.mark.tasks(
    "feature-extraction", "text-classification", "zero-shot-classification", "token-classification", "fill-mask"
)
def test_long_input_is_told(pipe: Pipe, task: str, positions: int, record: Record) -> None:
    """An input that is longer than the model can read is cut when that is asked for, else refused or answered whole.

    Why: positions behind the last one that was trained are garbage or an index error deep in a kernel; on a GPU that
    error ends the process.
    Fix: set `model_max_length` in tokenizer_config.json to the positions of the model, so that `truncation=True` works.
    Source: https://huggingface.co/docs/transformers/pad_truncation
    """
    contract = contract_of(pipe)
    assert contract.long_input, f"the contract of {task} has no input that is too long"
    sample = contract.long_input(positions)
    if opening := contract.long_input_prefix(pipe):
        sample = opening + sample
    refusal = _refusal(contract, pipe, sample)
    record.capability(f"pipelines.{task}.long_input", "refused" if refusal else "answered", evidence={"told": refusal})
    if contract.truncation_options or contract.truncates:
        _cut(contract, pipe, sample)


def _refusal(contract: Contract, pipe: Pipe, sample: Any) -> str:
    try:
        contract.answer(pipe, sample)
    except Exception as error:  # an IndexError of the kernel is what users see
        return f"{type(error).__name__}: {error}"[:200]
    return ""


def _cut(contract: Contract, pipe: Pipe, sample: Any) -> None:
    """With the task's own option the input is cut to what the model reads."""
    try:
        answer = contract.answer(pipe, sample, **contract.truncation_options)
    except Exception as error:
        options = contract.truncation_options or {"the pipeline's own cut": ""}
        option = ", ".join(f"{name}={value}".rstrip("=") for name, value in options.items())
        raise Hazard(
            f"{pipe.task}: a long input fails even with {option}, because the tokenizer does not know the limit: "
            f"{type(error).__name__}: {str(error)[:160]}"
        ) from error
    if problem := next(contract.problems(sample, answer, pipe), None):
        raise Defect(f"{pipe.task}: cut to its length, {problem}.", evidence={"answer": brief(answer)})
