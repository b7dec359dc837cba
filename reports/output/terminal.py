"""The end of a run in the terminal: findings, counts, verdicts, and where the report is."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

from reports import wording
from reports.baseline import file
from reports.records.schema import OUTCOMES, Json, Trial

Line = tuple[str, dict[str, bool]]

WIDTH = 96
SHOWN = 20
"""Findings of one severity shown in full."""

SEVERITIES = {"defect": ("DEFECTS", {"red": True}), "hazard": ("HAZARDS", {"yellow": True})}
TONES: dict[str, dict[str, bool]] = {
    "adopt": {"green": True},
    "adopt-with-conditions": {"yellow": True},
    "reject": {"red": True},
    "inconclusive": {"purple": True},
}
BOLD = {"bold": True}
FAINT = {"light": True}


def lines(trial: Trial, verdict: Json, directory: Path | None = None) -> list[Line]:
    """Text and style of each line, for pytest's terminal writer."""
    parts = [*_findings(verdict), *_changes(verdict), *_counts(trial, verdict), *_verdicts(verdict)]
    return [*parts, *_where(directory)]


def _findings(verdict: Json) -> Iterator[Line]:
    for severity, (title, tone) in SEVERITIES.items():
        found = [
            (s["subject"]["name"], f) for s in verdict["subjects"] for f in s["findings"] if f["severity"] == severity
        ]
        if found:
            yield "", {}
            yield f"{title} ({len(found)})", tone | BOLD
        for subject, finding in found[:SHOWN]:
            yield from _finding(subject, finding, tone)
        if len(found) > SHOWN:
            yield f"  and {len(found) - SHOWN:,} more in report.html", FAINT


def _finding(subject: str, finding: Json, tone: dict[str, bool]) -> Iterator[Line]:
    where = (subject, wording.variant(finding["variant"]), wording.parameters(finding.get("parameters") or {}))
    yield "", {}
    yield f"  {wording.line(finding['check'])}", tone
    yield from _wrapped(" · ".join(part for part in where if part), "    ", FAINT)
    yield from _wrapped(finding["summary"], "    ", BOLD)
    for word in ("accepted", "ignored"):
        if finding.get(word):
            yield from _wrapped(f"{word.capitalize()}: {finding[word]}", "    ")
    if finding["remedy"]:
        yield from _wrapped(finding["remedy"], "    Fix  ")
    if finding["reproduce"]:
        # One line, however long: it must work when pasted.
        yield f"    Run  {wording.line(finding['reproduce'], 10_000)}", {"cyan": True}


def _changes(verdict: Json) -> Iterator[Line]:
    changes = verdict["regressions"]
    if changes:
        yield "", {}
        yield f"SINCE THE BASELINE ({len(changes)})", {"red": True, "bold": True} if file.worse(changes) else BOLD
    for change in changes[:SHOWN]:
        yield from _wrapped(file.place(change), "  - ")
        yield from _wrapped(change["summary"], "    ")
    if len(changes) > SHOWN:
        yield f"  and {len(changes) - SHOWN:,} more in report.html", FAINT


def _counts(trial: Trial, verdict: Json) -> Iterator[Line]:
    totals = {name: sum(s["counts"][name] for s in verdict["subjects"]) for name in OUTCOMES}
    told = [wording.outcomes(many, name) for name, many in totals.items()]
    missing = len(trial.missing())
    yield "", {}
    yield "Checks: " + ", ".join(told + ([f"{missing:,} not run"] if missing else [])), {}


def _verdicts(verdict: Json) -> Iterator[Line]:
    for subject in verdict["subjects"]:
        but = file.reservation(subject["subject"]["name"], verdict["regressions"])
        tone = {"red": True} if but else TONES[subject["verdict"]]
        yield "", {}
        said = f"{subject['subject']['name']}: {subject['verdict'].upper()}{f', BUT {but}' if but else ''}"
        yield from _wrapped(said, "", tone | BOLD)
        for reason in subject["reasons"]:
            yield from _wrapped(reason, "  - ")
    if not verdict["subjects"]:
        yield "INCONCLUSIVE: no subject was tried", TONES["inconclusive"] | BOLD


def _where(directory: Path | None) -> Iterator[Line]:
    if directory is not None:
        yield "", {}
        yield f"Report: {wording.line(str(Path(directory) / 'report.html'), 10_000)}", BOLD


def _wrapped(value: str, opening: str, style: dict[str, bool] | None = None) -> Iterator[Line]:
    """The text on lines that fit, indented below its opening."""
    indent = " " * len(opening)
    wrapped = textwrap.wrap(wording.line(value, 1_000), WIDTH, initial_indent=opening, subsequent_indent=indent)
    for each in wrapped:
        yield each, style or {}
