"""What the reporting room asks of whoever runs checks; it imports nobody, so it asks through pytest hooks."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.hookspec(firstresult=True)
def pytest_seatrial_run(config: pytest.Config) -> dict[str, Any] | None:  # type: ignore[empty-body]
    """The run: `{"run": fields of records.Run, "subjects": [fields of records.Subject, ...]}`, None if it is none."""


@pytest.hookspec(firstresult=True)
def pytest_seatrial_check(item: pytest.Item) -> dict[str, Any] | None:  # type: ignore[empty-body]
    """The check behind an item, None for other tests.

    Keys: check, subject, variant, parameters (together the key of its record), documentation (promise, why, fix,
    source), reproduce (a command) and place (subject, variant and suite in a few words, for the terminal).
    """


@pytest.hookspec(firstresult=True)
def pytest_seatrial_left_out(config: pytest.Config) -> list[dict[str, Any]] | None:  # type: ignore[empty-body]
    """Checks that were not generated: `{"what": the need, "checks": [ids], "subjects": [names]}` for each need."""
