"""Output for GitHub Actions: the job summary, annotations of findings, and lines that cannot be commands.

Escapes: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from reports import wording
from reports.records.outcomes import OUTCOMES
from reports.records.to_json import Json

LEVELS = ("error", "warning", "notice")
"""Of annotations, the worst first."""
SHOWN = 10
"""Annotations of one level: GitHub shows no more of one step."""

COMMAND = re.compile(r"^(\s*)(?=::|##\[)", re.MULTILINE)
"""The start of an output line that the runner would take for a command."""


def in_actions() -> bool:
    """True if this process runs in GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def summarize(markdown: str) -> None:
    """Adds the report to the job summary, if there is one; a failure to write it does not fail the run."""
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(path).open("a", encoding="utf-8", errors="backslashreplace") as summary:
                summary.write(f"\n{markdown}\n")
        except OSError:
            return


def without_commands(output: str) -> str:
    """Output in which no line is a command: text of a model must not end masks, set outputs or raise errors."""
    return COMMAND.sub(r"\1\\", output)


def annotation_lines(verdict: Json) -> Iterator[str]:
    """A line for each finding, defects first, as many as GitHub shows."""
    findings = [
        (_level(finding), subject["subject"]["name"], finding)
        for subject in verdict["subjects"]
        for finding in subject["findings"]
    ]
    for level in LEVELS:
        for _, subject, finding in [entry for entry in findings if entry[0] == level][:SHOWN]:
            yield _annotation(level, subject, finding)


def _level(finding: Json) -> str:
    """A notice for a finding that is accepted or ignored."""
    settled = finding.get("accepted") or finding.get("ignored")
    return "notice" if settled else OUTCOMES[finding["severity"]].github


def _annotation(level: str, subject: str, finding: Json) -> str:
    title = _property(wording.line(f"{finding['severity'].capitalize()} in {finding['check']} ({subject})", 200))
    lines = [wording.line(finding["summary"], 500)]
    lines += [f"Fix: {wording.line(finding['fix'], 500)}"] if finding["fix"] else []
    lines += [f"Reproduce: {wording.line(finding['reproduce'], 500)}"] if finding["reproduce"] else []
    message = _data("\n".join(lines))
    return f"::{level} title={title}::{message}"


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")
