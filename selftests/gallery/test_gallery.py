from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from selftests.gallery import table
from selftests.gallery.harness import all_mutants, try_all
from selftests.gallery.registry import HEALTHY, Mutant


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The suite's verdict on every subject of the gallery."""
    return try_all(tmp_path_factory.mktemp("gallery"), SHOWN)


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_subjects_have_no_defect(name: str, verdicts: dict[str, dict[str, Any]]) -> None:
    entry = verdicts[f"healthy-{name}"]
    assert [finding for finding in entry["findings"] if finding["severity"] == "defect"] == []
    assert entry["counts"]["error"] == 0
    assert entry["counts"]["pass"] > 10
    assert entry["verdict"] in ("adopt", "adopt-with-conditions"), entry["reasons"]


SHOWN = [row for row in all_mutants().values() if Version(version("transformers")) >= Version(row.since)]
"""The rows whose defect shows in the installed version."""


@pytest.mark.parametrize("row", SHOWN, ids=lambda row: row.id)
def test_mutant_is_caught(row: Mutant, verdicts: dict[str, dict[str, Any]]) -> None:
    findings = verdicts[row.id]["findings"]
    caught = [f for f in findings if f["check"] == row.caught_by and f["severity"] == row.severity]
    assert caught, f"{row.caught_by} did not fail; findings: {[(f['check'], f['summary']) for f in findings]}"
    assert all(word in caught[0]["summary"] for word in row.naming), caught[0]["summary"]
    assert caught[0]["remedy"], "a finding says how to mend the subject"
    assert f"--model={Path(verdicts[row.id]['subject']['source'])}" in caught[0]["reproduce"]


@pytest.mark.parametrize("row", SHOWN, ids=lambda row: row.id)
def test_mutant_differs_from_its_healthy_base(row: Mutant, verdicts: dict[str, dict[str, Any]]) -> None:
    healthy = verdicts[f"healthy-{row.base}"]["findings"]
    assert not [f for f in healthy if f["check"] == row.caught_by and f["severity"] == row.severity]


@pytest.mark.parametrize("row", SHOWN, ids=lambda row: row.id)
def test_no_check_breaks_on_a_broken_subject(row: Mutant, verdicts: dict[str, dict[str, Any]]) -> None:
    assert verdicts[row.id]["counts"]["error"] == 0, verdicts[row.id]["reasons"]


def test_the_table_in_the_docs_is_current() -> None:
    assert table.TABLE.read_text(encoding="utf-8") == table.render(), "run `python -m selftests.gallery.table`"


def test_every_check_has_a_row() -> None:
    """No gallery row, no check; checks that only record what they find have none."""
    from selftests.catalogue import check_ids

    without = check_ids() - {row.caught_by for row in all_mutants().values()}
    assert without <= {"chat_templates/capabilities", "tokenizers/corpus-ids", "tokenizers/encoding-cost"}
