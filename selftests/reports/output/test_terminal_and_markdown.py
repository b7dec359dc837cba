"""Output besides the page: the terminal and the pull-request comment."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import wording
from reports.output import markdown, terminal
from reports.records.run_records import RunRecords
from reports.verdict.judge import judge
from selftests.reports import trials

HOSTILE = "\x1b[2J\x07\u202eevil\u2066\ud800 | `code` [x](javascript:1) <img src=x> @everyone https://evil.example"


def hostile() -> RunRecords:
    """A trial in which every text that a model could write is hostile."""
    finding = dataclasses.replace(trials.hazard(), summary=HOSTILE, fix=HOSTILE, reproduce=HOSTILE, subject=HOSTILE)
    return trials.trial(finding, trials.unsupported(HOSTILE), subjects=[trials.subject(HOSTILE)])


def shown(trial: RunRecords) -> list[str]:
    return [line for line, _ in terminal.lines(trial, judge(trial), Path("reports/runs/x"))]


CONTROLS = {"Cc", "Cs", "Co", "Zl", "Zp"}
BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def test_every_code_point_that_hides_or_reorders_is_written_out() -> None:
    """All of Unicode: controls, bidirectional controls, surrogates, private use, line separators, odd spaces."""
    for number in range(0x110000):
        character = chr(number)
        category, bidi = unicodedata.category(character), unicodedata.bidirectional(character)
        if (category in CONTROLS or bidi in BIDI or category == "Zs") and character not in " \n\t":
            assert wording.visible(character) == f"⟨U+{number:04X}⟩"


@given(st.text(st.characters(codec=None)))
def test_a_line_is_one_line(value: str) -> None:
    """Nothing in it breaks the line, and it can be encoded."""
    assert len(wording.line(value, 10_000).splitlines()) <= 1
    wording.line(value).encode()


@pytest.mark.parametrize("value", ["Grüße", "日本語", "שלום", "▁the", "Ġthe", "👍", "a\n\tb"])
def test_ordinary_text_stays(value: str) -> None:
    """Languages, token markers and emoji are not escaped."""
    assert wording.visible(value) == value


@pytest.mark.parametrize("trial", [trials.rejected(), trials.several(), trials.killed(), hostile()])
def test_terminal_lines_fit_and_are_single(trial: RunRecords) -> None:
    """Prose fits a window of a hundred columns; only commands and paths may be longer, to be pasted."""
    for line in shown(trial):
        assert "\n" not in line
        assert len(line) <= 100 or line.lstrip().startswith(("Run", "Report"))
        assert not re.search(r"[\x00-\x1f\x7f-\x9f]", line)


def test_the_terminal_shows_finding_fix_command_verdict_and_path() -> None:
    """In this order, defects first."""
    lines = shown(trials.rejected())
    order = [
        next(index for index, line in enumerate(lines) if line.strip().startswith(start))
        for start in (
            "DEFECTS (2)",
            "Fix",
            "Run  pytest",
            "HAZARDS (1)",
            "Checks: 3 passed, 2 def",
            "builtin:smollm2: REJECT",
            "Report:",
        )
    ]
    assert order == sorted(order)


def test_a_healthy_run_is_reported_briefly() -> None:
    """Nothing wrong, little to read."""
    assert len([line for line in shown(trials.healthy()) if line]) <= 9


def test_the_terminal_writer_takes_the_styles() -> None:
    """Every style is one that pytest's terminal writer knows."""
    from _pytest._io import TerminalWriter

    for trial in (trials.rejected(), trials.several(), trials.killed()):
        for line, style in terminal.lines(trial, judge(trial)):
            TerminalWriter().markup(line, **style)


def test_markdown_shows_verdict_counts_and_findings() -> None:
    """The comment in a pull request."""
    comment = markdown.render(judge(trials.several()))
    assert "| `acme/assistant-7b@4f1c2d9` | ⚠️ adopt-with-conditions | 6 | 0 | 1 | 0 | 1 | 0 |" in comment
    assert "### Defect: `integrity/weights-complete`" in comment
    assert "pytest --model" in comment


def test_markdown_fits_a_comment_however_much_there_is() -> None:
    """GitHub refuses more than 65,536 characters."""
    many = [dataclasses.replace(trials.hazard(), summary=f"{index} " + "long " * 200) for index in range(300)]
    comment = markdown.render(judge(trials.trial(*many)))
    assert len(comment) < 65_000
    assert "more block" in comment


def test_markdown_takes_no_markup_from_models() -> None:
    """No link, no image, no element, no mention, no broken table."""
    comment = markdown.render(judge(hostile()))
    prose = re.sub(r"(`+).+?\1", "", comment)
    assert "<img" not in prose.replace("\\<img", "")
    assert "@everyone" not in prose
    assert "https://" not in prose
    assert not re.search(r"(?<!\\)\[x", prose)
    tables = re.findall(r"(?:^\|.*\n)+", comment, re.MULTILINE)
    bars = [{len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()} for table in tables]
    assert all(len(each) == 1 for each in bars)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a word.", "A word."), ("tied.", "Tied."), ("add_generation_prompt adds", ""), ("config.json has", ""), ("", "")],
)
def test_names_of_code_keep_their_first_letter(text: str, shown: str) -> None:
    assert wording.capital(text) == (shown or text)
