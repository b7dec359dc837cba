"""`--why`: the checks that were not generated, by the need that is not met."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fixtures.session.options import SUITES
from reports.directory import merge, report_directory
from reports.records import schema
from reports.records.run_records import RunRecords
from selftests.processes.pytest_run import QUIET, Finished, run_pytest
from selftests.reports import trials

TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
SAFETY = SUITES / "chat_templates" / "safety"
TOKENS = SUITES / "chat_templates" / "tokens"
NEED = re.compile(r"^  (\d+ checks? needs? .*)$", re.MULTILINE)


@pytest.fixture
def templates(tmp_path: Path) -> list[str]:
    """Options for two templates without a tokenizer."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.jinja").write_text(TEMPLATE, encoding="utf-8")
    return [f"--model={tmp_path / name}.jinja" for name in ("one", "two")]


def needs(done: Finished) -> list[str]:
    assert "CHECKS THAT DO NOT APPLY" in done.output, done.output
    return NEED.findall(done.output)


def test_lists_needs_with_their_checks(templates: list[str], tmp_path: Path) -> None:
    done = run_pytest(*QUIET, templates[0], "--why", str(SAFETY), str(TOKENS), report=tmp_path / "report")
    assert any(re.fullmatch(r"\d+ checks need a tokenizer that loads", n) for n in needs(done))
    assert "chat_templates/one-bos" in done.output
    entries = report_directory.load(tmp_path / "report").left_out
    assert all(entry["subjects"] == ["one"] for entry in entries)
    page = (tmp_path / "report" / report_directory.HTML).read_text(encoding="utf-8")
    assert "Checks that do not apply here" in page
    assert "chat_templates/one-bos" in page


def test_two_subjects_share_an_entry(templates: list[str], tmp_path: Path) -> None:
    alone = run_pytest(*QUIET, templates[0], "--why", str(TOKENS), report=tmp_path / "alone")
    both = run_pytest(*QUIET, *templates, "--why", str(TOKENS), report=tmp_path / "both")
    assert needs(both) == [f"{need} (all models)" for need in needs(alone)]


def test_workers_report_it_once(templates: list[str], tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    options = (*QUIET, templates[0], "--why", str(SAFETY), str(TOKENS))
    alone = run_pytest(*options, report=tmp_path / "alone")
    spread = run_pytest(*options, "-n2", report=tmp_path / "spread")
    assert needs(spread) == needs(alone)
    assert len(set(needs(spread))) == len(needs(spread))


def test_collecting_answers_it_too(templates: list[str], tmp_path: Path) -> None:
    done = run_pytest(*QUIET, *templates, "--why", "--collect-only", str(TOKENS), report=tmp_path / "report")
    assert needs(done)
    assert all(need.endswith("(all models)") for need in needs(done))


def test_says_nothing_unless_asked(templates: list[str], tmp_path: Path) -> None:
    done = run_pytest(*QUIET, templates[0], str(SAFETY), report=tmp_path / "report")
    assert "DO NOT APPLY" not in done.output


def test_shards_share_entries_and_older_records_have_none(tmp_path: Path) -> None:
    shards = [trials.trial(*trials.passing(name), subjects=[trials.subject(name)]) for name in ("a", "b")]
    for shard in shards:
        shard.left_out = [{"what": "a processor", "checks": ["x/y"], "subjects": [shard.subjects[0].name]}]
    merged = merge.merge(shards)
    assert merged.left_out == [{"what": "a processor", "checks": ["x/y"], "subjects": ["a", "b"]}]
    assert RunRecords.gather(merge.stream(merged)) == merged
    older = schema.Plan([]).to_json()
    del older["left_out"]
    assert schema.parse(older, where="a line") == schema.Plan([])
