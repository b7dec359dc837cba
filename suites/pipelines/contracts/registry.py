"""Contracts by task, and the contract of a loaded pipeline."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from fixtures.machine import library_versions
from fixtures.pipelines.pipe import Pipe
from suites.findings import Blocked, Limit, Missing, NotApplicable
from suites.pipelines import processors
from suites.pipelines.contracts import library_errors, tasks
from suites.pipelines.contracts.contract import Contract


@cache
def modules() -> dict[str, tuple[Contract, ...]]:
    """Contracts by the module of `tasks/` that defines them."""
    names = [each.name for each in pkgutil.iter_modules(tasks.__path__)]
    return {name: importlib.import_module(f"{tasks.__name__}.{name}").CONTRACTS for name in names}


@cache
def contracts() -> dict[str, Contract]:
    """Every contract by task."""
    return {task: each for defined in modules().values() for each in defined for task in each.tasks}


def contract_of(pipe: Pipe) -> Contract:
    """Returns the contract of a pipe that answers an ordinary input; `pipelines/pipeline-runs` reports the others.

    Raises:
        Limit: seatrial has no contract for the task.
        Blocked: the pipeline fails on an ordinary input, or has a setting that cannot work.
    """
    contract = contract_for(pipe.task)
    if wrong := unusable_setting(pipe):
        raise Blocked("pipelines/pipeline-runs", wrong)
    if failure := first_failure(pipe, contract):
        raise Blocked("pipelines/pipeline-runs", f"{pipe.task} fails on an ordinary input: {failure}")
    return contract


def comparable_contract(pipe: Pipe) -> Contract:
    """Returns the contract of a pipe whose answers can be compared; raises `NotApplicable` if they are sampled."""
    contract = contract_of(pipe)
    if contract.answers_randomly(pipe):
        raise NotApplicable(f"{pipe.task}: the model samples each answer, so that no two answers can be compared")
    return contract


def require_repeatable(contract: Contract, pipe: Pipe, sample: Any) -> None:
    """Raises Blocked if an input gets another answer in every call; to be called before a difference is reported."""
    __tracebackhide__ = True
    one, other = (contract.answer(pipe, sample) for _ in range(2))
    if contract.difference(pipe, one, other):
        raise Blocked("pipelines/calls-repeat", f"{pipe.task}: the same input gets another answer in every call")


def require_valid_answers(contract: Contract, pipe: Pipe) -> None:
    """Raises Blocked if the answer to an ordinary input is not valid; to be called before another one is reported."""
    __tracebackhide__ = True
    if problem := next(contract.problems(contract.samples(pipe)[0], pipe.first, pipe), None):
        raise Blocked(
            "pipelines/output-conforms", f"{pipe.task}: the answer to an ordinary input is not valid: {problem}"
        )


def unusable_setting(pipe: Pipe) -> str | None:
    """Describes a setting of the image processor that cannot work; None if there is none."""
    found = getattr(pipe.library or pipe.call, "image_processor", None)
    return next(processors.unusable(found), None) if found is not None else None


def contract_for(task: str) -> Contract:
    """Returns the contract of a task; raises `Limit` if seatrial has none."""
    if task not in contracts():
        raise Limit(f"seatrial has no contract for the pipeline task {task} yet")
    return contracts()[task]


def first_failure(pipe: Pipe, contract: Contract) -> str:
    """Returns the error message for an ordinary input, empty if it is answered. The result is stored in the pipe.

    Raises:
        Missing: the pipeline needs a package that is not installed.
    """
    if pipe.missing:
        raise Missing(pipe.missing, pipe.install)
    if pipe.failure is None:
        try:
            pipe.first = contract.answer(pipe, contract.samples(pipe)[0])
            pipe.failure = ""
        except Exception as error:  # any error of the library is the finding
            if package := library_versions.missing_package(error):
                pipe.missing = f"{pipe.task} needs a package that is not installed: {package}"
                pipe.install = library_versions.install_command(error)
                raise Missing(pipe.missing, pipe.install) from error
            pipe.failure = library_errors.in_words(error, limit=400)
    return pipe.failure
