"""The page of tasks shows the stored outcomes, and no task is missing."""

from __future__ import annotations

import json

from fixtures.machine import library_versions
from selftests.documents import tasks


def test_the_page_is_current() -> None:
    stored = json.loads(tasks.STORED.read_text(encoding="utf-8"))
    assert tasks.PAGE.read_text(encoding="utf-8") == tasks.render(stored), "run selftests.documents.tasks"


def test_every_task_has_an_outcome() -> None:
    """With each version of the page, and for all tasks of the installed registry."""
    stored = json.loads(tasks.STORED.read_text(encoding="utf-8"))
    for version, outcomes in stored.items():
        assert {*tasks.subjects()} - {*outcomes} == set(), version
        assert [task for task, outcome in outcomes.items() if not outcome["counts"]] == [], version
    assert {*library_versions.pipeline_classes()} <= {task for outcomes in stored.values() for task in outcomes}
