"""Every check documents its promise, reason, fix and source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fixtures.session.checks import documentation
from fixtures.session.selection import SUITE_ORDER
from selftests.suites.catalogue import checks

CHECKS = dict(checks())


@pytest.mark.parametrize("identifier", CHECKS)
def test_a_check_documents_promise_reason_fix_and_source(identifier: str) -> None:
    text = documentation(CHECKS[identifier])
    assert text["promise"].endswith("."), text["promise"]
    assert set(text) == {"promise", "why", "fix", "source"}
    assert all(text.values())


@pytest.mark.parametrize("identifier", CHECKS)
def test_a_check_belongs_to_a_known_suite(identifier: str) -> None:
    assert identifier.partition("/")[0] in SUITE_ORDER


def test_ids_are_unique() -> None:
    """Two functions with one id would overwrite each other's records."""
    found = [identifier for identifier, _ in checks()]
    assert len(found) == len(set(found))


def test_documentation_reads_sections() -> None:
    def example() -> None:
        """It keeps
        its word.

        Why: because
        it matters.
        Fix: mend it.
        Source: a paper
        """

    expected = {"promise": "It keeps its word.", "why": "because it matters.", "fix": "mend it.", "source": "a paper"}
    function: Callable[..., Any] = example
    assert documentation(function) == expected
