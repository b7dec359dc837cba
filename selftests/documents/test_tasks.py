"""The page about tasks is what the kept outcomes say, and no task is missing in it."""

from __future__ import annotations

import json

from fixtures.machine import library_versions
from selftests.documents import tasks


def test_the_page_is_current() -> None:
    kept = json.loads(tasks.KEPT.read_text(encoding="utf-8"))
    assert tasks.PAGE.read_text(encoding="utf-8") == tasks.render(kept), "run selftests.documents.tasks"


def test_every_task_has_an_outcome() -> None:
    """With each version that the page tells of, and for all that the installed registry offers."""
    kept = json.loads(tasks.KEPT.read_text(encoding="utf-8"))
    for version, outcomes in kept.items():
        assert {*tasks.subjects()} - {*outcomes} == set(), version
        assert [task for task, told in outcomes.items() if not told["counts"]] == [], version
    assert {*library_versions.pipeline_classes()} <= {task for outcomes in kept.values() for task in outcomes}
