from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from fixtures.session.options import SUITES
from selftests.gallery import harness, table
from selftests.gallery.registry import HEALTHY, Mutant
from selftests.processes.python_process import shared

Entry = dict[str, Any]

SHOWN = [row for row in harness.all_mutants().values() if Version(version("transformers")) >= Version(row.since)]
"""The rows whose defect shows in the installed version."""
if os.environ.get("SEATRIAL_GALLERY") == "short":
    SHOWN = list({row.caught_by: row for row in reversed(SHOWN)}.values())[::-1]
    """One for each check, where the other version's environment has tried them all."""
IN_LOTS = [row for lot in harness.lots(SHOWN, ()) for row in lot.rows]
BASES = sorted({*HEALTHY, *(row.base for row in SHOWN)})


@pytest.fixture(scope="session")
def entry_of(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Entry]:
    """The suite's verdict on a subject by its directory's name.

    The subjects of the selected tests run in lots, each when one of them is first asked for, and once for all workers.
    """
    chosen = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    rows = {params["row"].id: params["row"] for params in chosen if isinstance(params.get("row"), Mutant)}
    rows = {name: row for name, row in rows.items() if not harness.not_here(row)}
    lots = harness.lots(rows.values(), [params["base"] for params in chosen if "base" in params])
    lot_of = {name: lot for lot in lots for name in lot.subjects}

    @functools.cache
    def verdicts(lot: harness.Lot) -> dict[str, Entry]:
        directory = shared(tmp_path_factory, lot.name, lambda made: harness.try_lot(lot, made))
        return dict(json.loads((directory / harness.VERDICTS).read_text(encoding="utf-8")))

    def entry(name: str) -> Entry:
        found = verdicts(lot_of[name])
        assert name in found, found.get(harness.FAILED, f"{name} is missing from the verdict")
        return found[name]

    return entry


def skip_elsewhere(row: Mutant) -> None:
    if reason := harness.not_here(row):
        pytest.skip(reason)


# The scope brings the tests of a row together, and so the rows of a lot: one worker asks for all of them.
@pytest.mark.parametrize("row", IN_LOTS, ids=lambda row: row.id, scope="session")
def test_mutant_is_caught(row: Mutant, entry_of: Callable[[str], Entry]) -> None:
    skip_elsewhere(row)
    entry = entry_of(row.id)
    findings = entry["findings"]
    caught = [f for f in findings if f["check"] == row.caught_by and f["severity"] == row.severity]
    assert caught, f"{row.caught_by} did not fail; findings: {[(f['check'], f['summary']) for f in findings]}"
    assert all(word in caught[0]["summary"] for word in row.naming), caught[0]["summary"]
    assert caught[0]["remedy"], "a finding says how to mend the subject"
    assert f"--model={Path(entry['subject']['source'])}" in caught[0]["reproduce"]


@pytest.mark.parametrize("row", IN_LOTS, ids=lambda row: row.id, scope="session")
def test_no_check_breaks_on_a_broken_subject(row: Mutant, entry_of: Callable[[str], Entry]) -> None:
    skip_elsewhere(row)
    entry = entry_of(row.id)
    assert entry["counts"]["error"] == 0, entry["reasons"]


@pytest.mark.parametrize("base", HEALTHY, scope="session")
def test_healthy_subjects_have_no_defect(base: str, entry_of: Callable[[str], Entry]) -> None:
    entry = entry_of(f"healthy-{base}")
    assert [finding for finding in entry["findings"] if finding["severity"] == "defect"] == []
    assert entry["counts"]["error"] == 0
    assert entry["counts"]["pass"] > 10
    assert entry["verdict"] in ("adopt", "adopt-with-conditions"), entry["reasons"]


@pytest.mark.parametrize("base", BASES, scope="session")
def test_no_mutant_is_caught_for_what_its_base_shows(base: str, entry_of: Callable[[str], Entry]) -> None:
    shown = {(finding["check"], finding["severity"]) for finding in entry_of(f"healthy-{base}")["findings"]}
    assert not [row.id for row in SHOWN if row.base == base and (row.caught_by, row.severity) in shown]


def test_the_table_in_the_docs_is_current() -> None:
    assert table.TABLE.read_text(encoding="utf-8") == table.render(), "run `python -m selftests.gallery.table`"


def test_every_check_has_a_row() -> None:
    """No gallery row, no check; none for checks that only record what they find, and for what a quick run leaves out.

    `generation/compiled-equals-eager` has its test in `selftests/suites/running/test_agreement.py`. An option asks for
    `quality/standard-tasks`: `selftests/suites/quality/test_lm_eval.py`.
    """
    from selftests.suites.catalogue import check_ids

    without = check_ids() - {row.caught_by for row in harness.all_mutants().values()}
    recorded = {"chat_templates/capabilities", "tokenizers/corpus-ids", "tokenizers/encoding-cost"}
    recorded |= {"chat_templates/renders-kept", "generation/answers-kept", "pipelines/outputs-kept"}
    recorded |= {"pipelines/tasks-are-known"}  # fixtures/checkpoint/test_architectures.py
    recorded |= {"pipelines/accelerator-agrees-with-cpu"}  # needs an accelerator to exist
    recorded |= {f"quantization/{name}" for name in ("generation-speed", "speed-against-full", "loading-time")}
    assert without <= recorded | {"generation/compiled-equals-eager", "quality/standard-tasks"}


def test_what_is_slow_has_a_file() -> None:
    """A wrong path would leave nothing out, and nobody would see it."""
    assert [file for file in harness.SLOW.values() if not (SUITES / file).is_file()] == []
