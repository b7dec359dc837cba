"""Output for GitHub: comment and job summary without markup of models, annotations, and no foreign commands."""

from __future__ import annotations

import dataclasses
import io
import re
from collections import Counter
from pathlib import Path

import pytest

from reports.output import github, markdown
from reports.records.to_json import Json
from reports.redaction.streams import RedactedStream
from reports.verdict.judge import judge
from selftests.gallery.harness import copy
from selftests.gallery.registry import CHAT
from selftests.processes.pytest_run import QUIET, run_pytest
from selftests.reports import measured_trials, trials
from selftests.reports.hostile_trial import ATTACKS, filled

MARKUP = (
    *ATTACKS,
    "@everyone @octo/team a@b.example",
    "#1 GH-1 octo/repo#12 :tada: www.evil.example",
    "1. one",
    "- one",
    "=====",
    "| a | b |\n| --- | --- |",
    "<details><summary>x</summary>",
    "[x](javascript:alert(1)) ![x](https://evil.example/x.png) <https://evil.example>",
    "``` code ` `` ```` ~~~",
    "**b** _i_ ~~s~~ $x$ \\(x\\) &lt;b&gt; &#x3c;b>",
    "[^1]: note [^1] > [!WARNING]",
)


def comment(text: str) -> str:
    trial, changes = filled(text)
    return markdown.render(judge(trial, changes))


def elements(source: str) -> Counter[str]:
    """The elements that a renderer of GitHub's tables makes of a comment, raw HTML allowed."""
    renderer = pytest.importorskip("markdown_it").MarkdownIt("commonmark").enable(["table", "strikethrough"])
    page = re.sub(r"<!--.*?-->", "", renderer.render(source), flags=re.DOTALL)
    return Counter(re.findall(r"<(\w+)", page))


@pytest.mark.parametrize("text", MARKUP)
def test_a_comment_has_the_same_elements_whatever_a_model_says(text: str) -> None:
    """No element, no list, no table cell, no link more than for a plain word."""
    plain, found = elements(comment("plain")), elements(comment(text))
    assert {name: many for name, many in found.items() if name != "code"} == {
        name: many for name, many in plain.items() if name != "code"
    }


@pytest.mark.parametrize("text", MARKUP)
def test_a_comment_mentions_no_user_and_no_issue(text: str) -> None:
    """Outside of code, GitHub finds no name, no number of an issue and no address in what is shown."""
    prose = re.sub(r"(`+).+?\1", "", comment(text))
    assert not re.search(r"@\w|#\d|GH-\d|://|www\.|:\w+:", prose, re.IGNORECASE)


def test_variants_are_reported_in_a_comment() -> None:
    """The first question of a reviewer of a quantized model."""
    text = markdown.render(judge(measured_trials.quantized()))
    assert (
        "| Metric | full | nf4 | nf4\\-dq | fp4 | int8 |" in text
        or "| Metric | full | nf4 | nf4-dq | fp4 | int8 |" in text
    )
    assert "118 (× 0.219)" in text


def findings() -> Json:
    odd = dataclasses.replace(trials.hazard(), summary="50% of\nit, a::b", check="chat_templates/x,y:z")
    return judge(trials.trial(trials.defect(), odd))


def test_annotations_are_escaped_as_github_says() -> None:
    """Percent, line ends; in properties colon and comma too."""
    first, second = list(github.annotation_lines(findings()))
    assert first.startswith("::error title=Defect in integrity/weights-complete (builtin%3Asmollm2)::2 parameters are")
    assert "%0AFix: Save the model again" in first
    assert "%0AReproduce: pytest --model" in first
    assert second.startswith(
        "::warning title=Hazard in chat_templates/x%2Cy%3Az (builtin%3Asmollm2)::50%25 of it, a::b"
    )


def test_accepted_findings_are_notices_and_ten_of_each_are_enough() -> None:
    """GitHub shows ten of each level."""
    many = [dataclasses.replace(trials.hazard(), summary=str(index)) for index in range(30)]
    assert len(list(github.annotation_lines(judge(trials.trial(*many))))) == github.SHOWN
    accepted = trials.subject(accepted={"chat_templates/one-bos": "known"})
    assert next(github.annotation_lines(judge(trials.trial(trials.hazard(), subjects=[accepted])))).startswith(
        "::notice "
    )


@pytest.mark.parametrize(
    "line", ["::error::x", "  ::stop-commands::t", "a\n::add-mask::x", "##[group]x", "\t##[error]x"]
)
def test_no_output_of_a_model_is_a_command(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The runner takes a line that begins with two colons for one; elsewhere output stays as it is."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    RedactedStream(out := io.StringIO()).write(line)
    assert not re.search(r"^\s*(::|##\[)", out.getvalue(), re.MULTILINE)
    monkeypatch.delenv("GITHUB_ACTIONS")
    RedactedStream(out := io.StringIO()).write(line)
    assert out.getvalue() == line


def test_a_run_in_actions_writes_summary_and_annotations(tmp_path: Path) -> None:
    """The summary is the comment, added to what other steps wrote; a failed write changes nothing."""
    model = copy(CHAT, tmp_path / "model")
    (tmp_path / "saboteur.py").write_text(
        "import pytest\nfrom suites.findings import Defect\n"
        "@pytest.hookimpl(wrapper=True)\ndef pytest_pyfunc_call(pyfuncitem):\n"
        "    yield\n    raise Defect('::stop-commands::x')\n",
        encoding="utf-8",
    )
    (summary := tmp_path / "summary.md").write_text("before\n", encoding="utf-8")
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary), "PYTHONPATH": str(tmp_path)}
    options = (*QUIET, "-p", "saboteur", f"--model={model}", "-k", "one_bos or renders")
    done = run_pytest(*options, report=tmp_path / "report", env=env)
    written = summary.read_text(encoding="utf-8")
    assert written.startswith("before\n")
    assert (done.report / "report.md").read_text(encoding="utf-8") in written
    commands = [line for line in done.output.splitlines() if line.lstrip().startswith("::")]
    assert commands
    assert all(line.startswith("::error title=Defect in chat_templates/") for line in commands), commands
    env["GITHUB_STEP_SUMMARY"] = str(tmp_path / "none" / "summary.md")
    assert run_pytest(*options, report=tmp_path / "report", env=env).code == done.code
