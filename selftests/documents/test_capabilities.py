"""The tables of capabilities and metrics hold what the suites record, and their page is current."""

from __future__ import annotations

from fnmatch import fnmatchcase

from reports.records import capabilities
from reports.records.capability_table import TABLE
from reports.records.metric_table import METRICS
from selftests.documents.capabilities import PAGE, key, render
from selftests.documents.recorded import COMPUTED, recorded


def names(kind: str) -> set[str]:
    return {each.name for each in recorded() if each.kind == kind} - {*COMPUTED}


def test_every_recorded_capability_has_a_phrase_and_no_other() -> None:
    assert names("capability") == {key(name) for name in TABLE}


def test_every_recorded_metric_has_a_phrase() -> None:
    known = [key(name) for name in METRICS]
    assert [name for name in names("metric") if not any(fnmatchcase(each, name) for each in known)] == []


def test_names_begin_with_a_known_prefix() -> None:
    assert {name.partition(".")[0] for name in (*TABLE, *METRICS)} == {*capabilities.PREFIXES}


def test_phrases_are_short_titles() -> None:
    assert [each.phrase for each in TABLE.values() if len(each.phrase) > 60 or each.phrase.endswith(".")] == []


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == render()
