from __future__ import annotations

from typing import Any

import pytest

from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect, Hazard, Record
from suites.pipelines.contracts import library_errors
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.registry import contract_of, require_valid_answers


@pytest.mark.tasks(
    "feature-extraction", "text-classification", "zero-shot-classification", "token-classification", "fill-mask"
)
@uses("task")
def test_long_input_is_told(pipe: Pipe, task: str, positions: int, record: Record) -> None:
    """An input longer than the model's maximum is truncated on request, otherwise refused or answered in full.

    Why: positions beyond the trained maximum give garbage, or an index error deep in a kernel; on a GPU, that error
    aborts the process.
    Fix: set `model_max_length` in tokenizer_config.json to the model's maximum, so that `truncation=True` works.
    Source: https://huggingface.co/docs/transformers/pad_truncation
    """
    contract = contract_of(pipe)
    assert contract.long_input, f"the contract of {task} has no input that is too long"
    sample = contract.long_input(positions)
    if prefix := contract.long_input_prefix(pipe):
        sample = prefix + sample
    refusal = _refusal(contract, pipe, sample)
    record.capability(
        f"pipelines.{task}.long_input", "refused" if refusal else "answered", evidence={"message": refusal}
    )
    if contract.truncation_options or contract.truncates:
        _check_truncation(contract, pipe, sample, positions)


def _refusal(contract: Contract, pipe: Pipe, sample: Any) -> str:
    try:
        contract.answer(pipe, sample)
    except Exception as error:  # users see an IndexError of the kernel
        return library_errors.in_words(error)
    return ""


def _check_truncation(contract: Contract, pipe: Pipe, sample: Any, positions: int) -> None:
    """Raises a finding unless the task's option truncates the input to the model's maximum."""
    try:
        answer = contract.answer(pipe, sample, **contract.truncation_options)
    except Exception as error:
        options = contract.truncation_options or {"the pipeline's own truncation": ""}
        option = ", ".join(f"{name}={value}".rstrip("=") for name, value in options.items())
        raise Hazard(
            f"{pipe.task}: a long input fails even with {option}{_cause(pipe, positions)}: "
            f"{library_errors.in_words(error)}"
        ) from error
    if problem := next(contract.problems(sample, answer, pipe), None):
        require_valid_answers(contract, pipe)
        raise Defect(
            f"{pipe.task}: the answer to a truncated input is not valid: {problem}.", evidence={"answer": brief(answer)}
        )


def _cause(pipe: Pipe, positions: int) -> str:
    if getattr(pipe.tokenizer, "model_max_length", 0) <= positions:
        return ""
    return f", because the tokenizer does not know the limit: `model_max_length` is more than {positions} positions"
