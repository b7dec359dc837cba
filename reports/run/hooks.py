"""Hooks by which the package `reports` asks for run and checks; it imports no other package."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.hookspec(firstresult=True)
def pytest_seatrial_run(config: pytest.Config) -> dict[str, Any] | None:  # type: ignore[empty-body]
    """The run: `{"run": fields of schema.Run, "subjects": [fields of schema.Subject, ...]}`; None if it is none."""


@pytest.hookspec(firstresult=True)
def pytest_seatrial_policy(config: pytest.Config) -> dict[str, Any] | None:  # type: ignore[empty-body]
    """The policy, not validated: `{"table", "file", "key", "default", "names", "manifest", "required"}`; None if there
    is no run.

    `table` is the user's policy, `file` the path that it comes from (or None), `key` the key of the table in that file
    (empty for the whole file). `default` holds the bounds of the default policy, `names` the fields of
    `known_names.Names`, and `required` the capabilities that the `manifest` (its path, or None) requires, by key.
    """


@pytest.hookspec(firstresult=True)
def pytest_seatrial_check(item: pytest.Item) -> dict[str, Any] | None:  # type: ignore[empty-body]
    """The check of an item, None for other tests.

    Keys: check, subject, variant, parameters (together the key of its record), uses (names of
    `reports.records.uses`), worst (defect, hazard or nothing), documentation (promise, why, fix, source), reproduce (a
    command) and heading (subject, variant and suite in a few words, for the terminal).
    """


@pytest.hookspec(firstresult=True)
def pytest_seatrial_left_out(config: pytest.Config) -> list[dict[str, Any]] | None:  # type: ignore[empty-body]
    """Checks that were not generated: `{"what": the need, "checks": [ids], "subjects": [names]}` for each need."""
