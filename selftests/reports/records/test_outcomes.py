"""The table of outcomes: consistent, and the only place to add an outcome."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports import html
from reports.baseline import file as baseline_file
from reports.html import page
from reports.output import github, markdown, terminal
from reports.records.outcomes import OUTCOMES, SEVERITIES, TONES, Outcome, counted, worst
from reports.records.policy import LEVELS
from reports.verdict import judge
from selftests.reports import trials

NEW = Outcome("not_applicable", "n", "not applicable", "not applicable", "nothing to test", 0, "quiet", "○")


def test_letters_and_signs_are_unique() -> None:
    for values in ([each.letter for each in OUTCOMES.values()], [each.sign for each in OUTCOMES.values()]):
        assert len(set(values)) == len(values)


def test_the_worst_outcomes_are_defect_and_error() -> None:
    assert worst(OUTCOMES) == "defect"
    assert worst(["pass", "hazard", "unsupported", "error"]) == "error"


def test_numbers_have_words() -> None:
    assert [counted(number, name) for number, name in ((1, "defect"), (2, "hazard"), (1, "pass"), (0, "error"))] == [
        "1 defect", "2 hazards", "1 passed", "0 errors",
    ]  # fmt: skip


def test_policies_know_the_findings() -> None:
    assert SEVERITIES == ("defect", "hazard")
    assert LEVELS == ("ignore", "hazard", "defect")


def test_findings_have_a_level_of_github_and_a_step() -> None:
    assert all(OUTCOMES[name].github in github.LEVELS and OUTCOMES[name].step for name in SEVERITIES)


def test_every_tone_has_a_colour() -> None:
    style = (Path(page.__file__).parent / "report.css").read_text(encoding="utf-8")
    assert {each.tone for each in OUTCOMES.values()} | set(judge.TONES.values()) <= set(TONES)
    assert all(f"--{tone}: " in style for tone in TONES)
    assert set(judge.TONES.values()) <= terminal.STYLES.keys()


def test_one_entry_adds_an_outcome(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Verdict, page, terminal, Markdown and baseline need nothing else."""
    monkeypatch.setitem(OUTCOMES, NEW.name, NEW)
    records = trials.trial(*trials.passing(), trials.check("chat_templates/one-bos", NEW.name, summary="no tokenizer"))
    verdict = judge.judge(records)
    assert verdict["subjects"][0]["verdict"] == "adopt"
    assert verdict["subjects"][0]["counts"][NEW.name] == 1
    assert "1 not applicable" in "\n".join(line for line, _ in terminal.lines(records, verdict))
    assert "| Not applicable |" in markdown.render(verdict)
    assert 'class="o o-not_applicable"' in (text := html.render(records, verdict))
    assert '.o-not_applicable::before { content: "○"' in text
    baseline_file.save(records, tmp_path / "baseline.json")
    assert baseline_file.compare(baseline_file.load(tmp_path / "baseline.json"), records) == []
