"""Every check declares the uses that it decides, from the closed list, and the most severe finding that it raises."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures.session.checks import check_info
from fixtures.session.uses import INPUTS, TASK, for_tasks
from reports.records.uses import is_use
from selftests.suites.catalogue import checks
from selftests.suites.raised import raised_by

CHECKS = dict(checks())
SEVERE = {"defect": {"Defect", "Hazard"}, "hazard": {"Hazard"}, "nothing": set()}


@pytest.mark.parametrize("identifier", CHECKS)
def test_a_check_declares_uses_of_the_list(identifier: str) -> None:
    function: Callable[..., Any] = CHECKS[identifier]
    found = check_info(function, Path(inspect.getfile(function)))
    assert found.uses
    assert all(is_use(each) or each in (TASK, INPUTS) for each in found.uses), found.uses
    raised = raised_by(function) & {"Defect", "Hazard"}
    assert raised <= SEVERE[found.worst], f"declares worst={found.worst!r}, and its functions raise {sorted(raised)}"


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        (("text-classification",), ["sharing", "task:text-classification"]),
        (("text-generation",), ["sharing", "generation", "task:text-generation"]),
        (("feature-extraction",), ["sharing", "task:feature-extraction", "embeddings"]),
        (("image-classification",), ["sharing", "task:image-classification", "images"]),
        ((), ["sharing", "generation"]),
    ],
)
def test_uses_are_those_that_the_tasks_offer(tasks: tuple[str, ...], expected: list[str]) -> None:
    assert for_tasks(("sharing", "generation", TASK, INPUTS), tasks) == expected
