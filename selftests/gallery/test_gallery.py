"""Each documented defect is reported by the check of its row; healthy subjects and variations pass."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import pytest
from packaging.version import Version

from selftests.gallery import harness
from selftests.gallery.expected import PASSES_NOWHERE, expected_on
from selftests.gallery.harness import Entry
from selftests.gallery.registry import HEALTHY, Mutant, Row, Variation
from selftests.processes.python_process import shared
from selftests.suites.catalogue import check_files

AnyRow = TypeVar("AnyRow", bound=Row)
SHORT = os.environ.get("SEATRIAL_GALLERY") == "short"
"""One row for each check, for another version of transformers."""


def shown(rows: Mapping[str, AnyRow]) -> list[AnyRow]:
    """The rows that behave as described in the installed version, those of a lot next to each other."""
    found = [row for row in rows.values() if Version(version("transformers")) >= Version(row.since)]
    if SHORT:
        found = list({row.check: row for row in reversed(found) if not row.slow}.values())[::-1]
    order = [row.id for lot in harness.lots(found, ()) for row in lot.rows]
    return sorted(found, key=lambda row: order.index(row.id))


every_row = pytest.mark.skipif(
    SHORT or Version(version("transformers")) < Version("5"), reason="needs every row, and transformers 5"
)
MUTANTS, VARIATIONS = shown(harness.all_mutants()), shown(harness.all_variations())
BASES = sorted({*HEALTHY, *(row.base for row in MUTANTS)})
DEFAULT_VARIATIONS = [row for row in VARIATIONS if not row.slow]


def rows_of(found: Iterable[Row]) -> pytest.MarkDecorator:
    """Runs a test on each row; slow ones carry the marker that the default run deselects."""
    rows = [pytest.param(row, id=row.id, marks=[pytest.mark.slow] if row.slow else []) for row in found]
    # The scope brings the tests of a row together, and so the rows of a lot: one worker asks for all of them.
    return pytest.mark.parametrize("row", rows, scope="session")


@pytest.fixture(scope="session")
def entry_of(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Entry]:
    """The entry of a subject by its directory's name.

    The subjects of the selected tests run in lots: each when one of them is first asked for, once for all workers.
    """
    chosen = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    asked = [row for params in chosen for row in (*params.get("variations", ()), params.get("row"))]
    rows = {row.id: row for row in asked if isinstance(row, Row)}
    rows = {name: row for name, row in rows.items() if not harness.missing(row)}
    bases = {base for params in chosen for base in (*params.get("bases", ()), params.get("base")) if base}
    lots = harness.lots(rows.values(), bases)
    lot_of = {name: lot for lot in lots for name in lot.subjects}

    @functools.cache
    def entries(lot: harness.Lot) -> dict[str, Entry]:
        directory = shared(tmp_path_factory, lot.name, lambda made: harness.run_lot(lot, made))
        return dict(json.loads((directory / harness.ENTRIES).read_text(encoding="utf-8")))

    def entry(name: str) -> Entry:
        found = entries(lot_of[name])
        assert name in found, found.get(harness.FAILED, f"{name} is missing from the verdict")
        return found[name]

    return entry


def skip_if_missing(row: Row) -> None:
    if reason := harness.missing(row):
        pytest.skip(reason)


@rows_of(MUTANTS)
def test_mutant_is_caught(row: Mutant, entry_of: Callable[[str], Entry]) -> None:
    skip_if_missing(row)
    entry = entry_of(row.id)
    if row.severity == "unsupported":
        assert_untested(row, entry)
        return
    findings = entry["findings"]
    caught = [f for f in findings if f["check"] == row.check and f["severity"] == row.severity]
    caught = [f for f in caught if {*row.uses} in ({*f.get("uses", row.uses)}, set())]
    assert caught, (
        f"{row.check} did not report it; findings: {[(f['check'], f['uses'], f['summary']) for f in findings]}"
    )
    assert all(word in caught[0]["summary"] for word in row.summary_contains), caught[0]["summary"]
    assert caught[0]["fix"], "a finding has a fix"
    subject = entry["subject"]
    assert any(f"{option} " in f"{caught[0]['reproduce']} " for option in names_of(subject)), caught[0]["reproduce"]


def names_of(subject: Mapping[str, Any]) -> tuple[str, str]:
    """The options that name a subject in a command: its path, or its name in a manifest."""
    return f"--model={Path(subject['source'])}", f"--subject={subject['name']}"


def assert_untested(row: Mutant, entry: Entry) -> None:
    """What the installed library refuses leaves the verdict open, and says why."""
    assert entry["outcomes"][row.check] == ["unsupported"], entry["outcomes"][row.check]
    assert entry["verdict"] == "inconclusive", entry["reasons"]
    reasons = " ".join(entry["reasons"])
    assert all(word in reasons for word in row.summary_contains), reasons


@rows_of(MUTANTS)
def test_no_check_breaks_on_a_broken_subject(row: Mutant, entry_of: Callable[[str], Entry]) -> None:
    skip_if_missing(row)
    entry = entry_of(row.id)
    assert entry["counts"]["error"] == 0, entry["reasons"]


@rows_of(VARIATIONS)
def test_healthy_variation_passes(row: Variation, entry_of: Callable[[str], Entry]) -> None:
    """Its own check passes, and no other check of the run reports a defect or breaks."""
    skip_if_missing(row)
    entry = entry_of(row.id)
    assert entry["outcomes"].get(row.check) == [row.outcome], [f for f in entry["findings"] if f["check"] == row.check]
    assert [finding for finding in entry["findings"] if finding["severity"] == "defect"] == []
    assert entry["counts"]["error"] == 0, entry["reasons"]


@pytest.mark.parametrize("base", HEALTHY, scope="session")
def test_healthy_subjects_have_no_defect(base: str, entry_of: Callable[[str], Entry]) -> None:
    entry = entry_of(f"healthy-{base}")
    assert [finding for finding in entry["findings"] if finding["severity"] == "defect"] == []
    assert entry["counts"]["error"] == 0
    assert entry["counts"]["pass"] > 10
    assert entry["verdict"] in ("adopt", "adopt-with-conditions"), entry["reasons"]


@every_row
@pytest.mark.parametrize("base", BASES, scope="session")
def test_healthy_subjects_show_what_is_expected(base: str, entry_of: Callable[[str], Entry]) -> None:
    """Hazards, checks that could not run, and what a tokenizer of tables breaks are in an explicit list."""
    outcomes = entry_of(f"healthy-{base}")["outcomes"]
    found = {(outcome, check) for check, each in outcomes.items() for outcome in each}
    assert {each for each in found if each[0] not in ("pass", "not_applicable")} == expected_on(base)


@pytest.mark.parametrize("base", BASES, scope="session")
def test_no_mutant_is_caught_for_what_its_base_shows(base: str, entry_of: Callable[[str], Entry]) -> None:
    reported = {(finding["check"], finding["severity"]) for finding in entry_of(f"healthy-{base}")["findings"]}
    assert not [row.id for row in MUTANTS if row.base == base and (row.check, row.severity) in reported]


@every_row
@pytest.mark.parametrize(("variations", "bases"), [(DEFAULT_VARIATIONS, BASES)], ids=["all"], scope="session")
def test_every_check_passes_on_a_healthy_subject(
    variations: list[Variation], bases: list[str], entry_of: Callable[[str], Entry]
) -> None:
    """A check that passes nowhere may report a problem on any subject, or test nothing."""
    if missing := [reason for row in variations if (reason := harness.missing(row))]:
        pytest.skip(missing[0])
    entries = [entry_of(name) for name in (*(f"healthy-{base}" for base in bases), *(row.id for row in variations))]
    passed = {check for entry in entries for check, outcomes in entry["outcomes"].items() if "pass" in outcomes}
    assert {*check_files()} - passed == {*PASSES_NOWHERE}
