from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.pipelines.pipe import Pipe
from suites.findings import Defect, Hazard, Record
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.registry import comparable_contract


def test_bad_input_is_refused(pipe: Pipe, task: str, record: Record) -> None:
    """What is no input gets an error that says something, or an answer as promised; afterwards the pipeline works as
    before.

    Why: services are sent empty, wrong and corrupt inputs; an answer made of nothing is taken for one, and a pipeline
    that remembers the bad input answers the next one wrongly.
    Fix: the finding names the input; check it before the pipeline.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines
    """
    contract = comparable_contract(pipe)
    sample = contract.samples(pipe)[0]
    before = contract.answer(pipe, sample)
    told = dict(_told(contract, pipe))
    record.capability(
        f"pipelines.{task}.bad_input", "refused" if all(told.values()) else "partly answered", evidence=told
    )
    if mismatch := contract.difference(pipe, before, contract.answer(pipe, sample)):
        raise Defect(f"{task}: after inputs that are no inputs {mismatch}.", evidence={"refused": told})
    silent = [name for name, words in told.items() if words == "an error without a word"]
    if silent:
        raise Hazard(f"{task}: {silent[0]} is refused without a word of why.", evidence={"refused": told})


def _told(contract: Contract, pipe: Pipe) -> Iterator[tuple[str, str]]:
    """What the pipeline says to each; empty where it answers."""
    for name, wrong in contract.invalid_inputs(pipe).items():
        try:
            answer = contract.answer(pipe, wrong)
        except Exception as error:  # whatever it is, it is a refusal
            yield name, f"{type(error).__name__}: {error}"[:200] if str(error) else "an error without a word"
        else:
            if problem := _problem(contract, wrong, answer, pipe):
                raise Defect(f"{pipe.task}: {name} gets an answer, and {problem}.", evidence={"answer": brief(answer)})
            yield name, ""


def _problem(contract: Contract, wrong: Any, answer: Any, pipe: Pipe) -> str | None:
    """What is wrong with an answer; an answer of another form altogether is none."""
    try:
        return next(contract.problems(wrong, answer, pipe), None)
    except (TypeError, KeyError, IndexError, ValueError, AttributeError):
        return f"it has another form than an answer: {brief(answer)}"
