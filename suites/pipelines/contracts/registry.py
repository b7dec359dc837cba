"""Contracts by task, and the contract of a loaded pipeline."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from fixtures.machine import library_versions
from fixtures.pipelines.pipe import Pipe
from suites.findings import Unsupported
from suites.pipelines.contracts import tasks
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
        Unsupported: seatrial has no contract for the task, or the pipeline fails on an ordinary input.
    """
    contract = contract_for(pipe.task)
    if failure := first_failure(pipe, contract):
        raise Unsupported(f"{pipe.task} fails on an ordinary input, as reported by pipelines/pipeline-runs: {failure}")
    return contract


def comparable_contract(pipe: Pipe) -> Contract:
    """Returns the contract of a pipe whose answers can be compared; raises `Unsupported` if they are sampled."""
    contract = contract_of(pipe)
    if contract.answers_randomly(pipe):
        raise Unsupported(f"{pipe.task}: the model samples each answer, so that no two answers can be compared")
    return contract


def contract_for(task: str) -> Contract:
    """Returns the contract of a task; raises `Unsupported` if seatrial has none."""
    if task not in contracts():
        raise Unsupported(f"seatrial has no contract for the pipeline task {task} yet")
    return contracts()[task]


def first_failure(pipe: Pipe, contract: Contract) -> str:
    """Returns the error message for an ordinary input, empty if it is answered. The result is stored in the pipe.

    Raises:
        Unsupported: the pipeline needs a package that is not installed.
    """
    if pipe.missing:
        raise Unsupported(pipe.missing)
    if pipe.failure is None:
        try:
            pipe.first = contract.answer(pipe, contract.samples(pipe)[0])
            pipe.failure = ""
        except (MemoryError, Unsupported):
            raise
        except Exception as error:  # any error of the library is the finding
            if package := library_versions.missing_package(error):
                pipe.missing = f"{pipe.task} needs a package that is not installed: {package}"
                raise Unsupported(pipe.missing) from error
            pipe.failure = f"{type(error).__name__}: {error}"[:400]
    return pipe.failure
