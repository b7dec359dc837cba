from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect, Hazard, Record
from suites.pipelines.contracts import library_errors
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.registry import comparable_contract, require_repeatable, require_valid_answers

NO_MESSAGE = "an error without a message"


@uses("task")
def test_bad_input_is_refused(pipe: Pipe, task: str, record: Record) -> None:
    """Invalid input gets an error with a message or a valid answer, and does not affect later calls.

    Why: services receive empty, wrong and corrupt inputs; users believe an answer to such input, and a pipeline that
    keeps state from it answers the next input wrongly.
    Fix: the finding names the input; validate it before calling the pipeline.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines
    """
    contract = comparable_contract(pipe)
    sample = contract.samples(pipe)[0]
    before = contract.answer(pipe, sample)
    messages = dict(_error_messages(contract, pipe))
    record.capability(
        f"pipelines.{task}.invalid_input", "refused" if all(messages.values()) else "partly answered", evidence=messages
    )
    if mismatch := contract.difference(pipe, before, contract.answer(pipe, sample)):
        require_repeatable(contract, pipe, sample)
        raise Defect(
            f"{task}: after invalid inputs, a valid one gets another answer: {mismatch}.",
            evidence={"refused": messages},
        )
    silent = [name for name, message in messages.items() if message == NO_MESSAGE]
    if silent:
        raise Hazard(f"{task}: {silent[0]} is refused with an empty error message.", evidence={"refused": messages})


def _error_messages(contract: Contract, pipe: Pipe) -> Iterator[tuple[str, str]]:
    """Yields the error message for each invalid input; empty if the pipeline answers."""
    for name, wrong in contract.invalid_inputs(pipe).items():
        try:
            answer = contract.answer(pipe, wrong)
        except Exception as error:  # any error is a refusal
            message = library_errors.in_words(error)
            yield name, message if str(error) else NO_MESSAGE
        else:
            if problem := _problem(contract, wrong, answer, pipe):
                require_valid_answers(contract, pipe)
                raise Defect(
                    f"{pipe.task}: invalid input ({name}) gets an answer that is not valid: {problem}.",
                    evidence={"answer": brief(answer)},
                )
            yield name, ""


def _problem(contract: Contract, wrong: Any, answer: Any, pipe: Pipe) -> str | None:
    """Describes what is wrong with an answer, also if it has another structure than answers of this task."""
    try:
        return next(contract.problems(wrong, answer, pipe), None)
    except (TypeError, KeyError, IndexError, ValueError, AttributeError):
        return f"it does not have the structure of an answer: {brief(answer)}"
