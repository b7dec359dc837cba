"""What GitHub Actions shows of a run: the job summary, annotations of findings, and no commands from a model's mouth.

Escapes: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from reports import wording
from reports.records.schema import Json

LEVELS = {"defect": "error", "hazard": "warning"}
SHOWN = 10
"""Annotations of one level: GitHub shows no more of one step."""

COMMAND = re.compile(r"^(\s*)(?=::|##\[)", re.MULTILINE)
"""Where the runner would take a line of output for a command."""


def here() -> bool:
    """Whether this process runs in GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def summarize(markdown: str) -> None:
    """Adds the report to the job summary, where there is one; a summary that cannot be written changes no verdict."""
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(path).open("a", encoding="utf-8", errors="backslashreplace") as summary:
                summary.write(f"\n{markdown}\n")
        except OSError:
            return


def defused(output: str) -> str:
    """Output in which no line is a command: what a model wrote must not end masks, set outputs or raise errors."""
    return COMMAND.sub(r"\1\\", output)


def annotated(verdict: Json) -> Iterator[str]:
    """A line for each finding, defects first, as many as GitHub shows."""
    found = [
        (_level(finding), subject["subject"]["name"], finding)
        for subject in verdict["subjects"]
        for finding in subject["findings"]
    ]
    for level in ("error", "warning", "notice"):
        for _, subject, finding in [entry for entry in found if entry[0] == level][:SHOWN]:
            yield _annotation(level, subject, finding)


def _level(finding: Json) -> str:
    """An accepted finding is news, no more."""
    return "notice" if finding.get("accepted") or finding.get("ignored") else LEVELS[finding["severity"]]


def _annotation(level: str, subject: str, finding: Json) -> str:
    title = _property(wording.line(f"{finding['severity'].capitalize()} in {finding['check']} ({subject})", 200))
    said = [wording.line(finding["summary"], 500)]
    said += [f"Fix: {wording.line(finding['remedy'], 500)}"] if finding["remedy"] else []
    said += [f"Reproduce: {wording.line(finding['reproduce'], 500)}"] if finding["reproduce"] else []
    message = _data("\n".join(said))
    return f"::{level} title={title}::{message}"


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")
