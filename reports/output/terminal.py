"""The summary at the end of a run in the terminal: findings, counts, verdicts, and the path of the report."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

from reports import wording
from reports.baseline import kinds
from reports.records.outcomes import OUTCOMES, SEVERITIES, counted
from reports.records.run_records import RunRecords
from reports.records.to_json import Json
from reports.verdict import uses
from reports.verdict.judge import TONES

Line = tuple[str, dict[str, bool]]

WIDTH = 96
SHOWN = 20
"""Findings of one severity shown in full."""

SCOPE = ("transformers", "tokenizers", "torch")
"""Libraries that a verdict depends on most."""

ROLES = {"core": "core", "required": "asked for", "other": ""}
"""Roles of uses in words."""

STYLES: dict[str, dict[str, bool]] = {
    "good": {"green": True},
    "caution": {"yellow": True},
    "bad": {"red": True},
    "open": {"purple": True},
    "quiet": {"light": True},
}
"""By tone."""
BOLD = {"bold": True}
FAINT = {"light": True}


def lines(records: RunRecords, verdict: Json, directory: Path | None = None) -> list[Line]:
    """Text and style of each line, for pytest's terminal writer."""
    parts = [*_findings(verdict), *_stack(verdict), *_changes(verdict), *_counts(records, verdict)]
    parts += [*_verdicts(verdict), *_scope(records, verdict)]
    return [*parts, *_path(directory)]


def _findings(verdict: Json) -> Iterator[Line]:
    for severity in SEVERITIES:
        outcome = OUTCOMES[severity]
        style = STYLES[outcome.tone]
        findings = [
            (s["subject"]["name"], f)
            for s in verdict["subjects"]
            for f in s["findings"]
            if f["severity"] == severity and not (f["about"] == "library" and severity == "hazard")
        ]
        if findings:
            yield "", {}
            yield f"{outcome.plural.upper()} ({len(findings)})", style | BOLD
        for subject, finding in findings[:SHOWN]:
            yield from _finding(subject, finding, style)
        if len(findings) > SHOWN:
            yield f"  and {len(findings) - SHOWN:,} more in report.html", FAINT


def _finding(subject: str, finding: Json, style: dict[str, bool]) -> Iterator[Line]:
    where = (subject, wording.variant(finding["variant"]), wording.parameters(finding.get("parameters") or {}))
    yield "", {}
    yield f"  {wording.line(finding['check'])}", style
    yield from _wrapped(" · ".join(part for part in where if part), "    ", FAINT)
    yield from _wrapped(finding["summary"], "    ", BOLD)
    for word in ("accepted", "ignored"):
        if finding.get(word):
            yield from _wrapped(f"{word.capitalize()}: {finding[word]}", "    ")
    if finding["fix"]:
        yield from _wrapped(finding["fix"], "    Fix  ")
    affected = ", ".join(finding["uses"])
    if not finding.get("accepted"):
        yield from _wrapped(f"{affected}   (accept it: --accept {finding['check']}=REASON)", "    For  ", FAINT)
    if finding["reproduce"]:
        # one line, however long, so that it works when pasted
        yield f"    Run  {wording.line(finding['reproduce'], 10_000)}", {"cyan": True}


def _changes(verdict: Json) -> Iterator[Line]:
    changes = verdict["regressions"]
    if changes:
        yield "", {}
        yield f"SINCE THE BASELINE ({len(changes)})", STYLES["bad"] | BOLD if kinds.worse(changes) else BOLD
    for change in changes[:SHOWN]:
        yield from _wrapped(kinds.location(change), "  - ")
        yield from _wrapped(change["summary"], "    ")
    if len(changes) > SHOWN:
        yield f"  and {len(changes) - SHOWN:,} more in report.html", FAINT


def _counts(records: RunRecords, verdict: Json) -> Iterator[Line]:
    totals = {name: sum(s["counts"][name] for s in verdict["subjects"]) for name in OUTCOMES}
    counts = [counted(total, name) for name, total in totals.items()]
    missing = len(records.missing())
    yield "", {}
    yield "Checks: " + ", ".join(counts + ([f"{missing:,} not run"] if missing else [])), {}


def _verdicts(verdict: Json) -> Iterator[Line]:
    for subject in verdict["subjects"]:
        reservation = kinds.reservation(subject["subject"]["name"], verdict["regressions"])
        style = STYLES["bad" if reservation else TONES[subject["verdict"]]]
        but = f", BUT {reservation}" if reservation else ""
        yield "", {}
        yield from _wrapped(f"{subject['subject']['name']}: {subject['verdict'].upper()}{but}", "", style | BOLD)
        yield from _uses(subject)
        for reason in subject["reasons"]:
            yield from _wrapped(reason, "  - ")
        for variant in subject["variants"]:
            how = wording.variant(variant["variant"]) or "full precision"
            yield from _wrapped(f"{how}: {variant['verdict'].upper()}", "  ", STYLES[TONES[variant["verdict"]]])
    if not verdict["subjects"]:
        yield "INCONCLUSIVE: no subject was tested", STYLES["open"] | BOLD


def _uses(subject: Json) -> Iterator[Line]:
    """One line for each use that was tested or decides: state, checks, and why."""
    shown = {
        name: use for name, use in subject["uses"].items() if use["state"] != uses.ABSENT or use["role"] != "other"
    }
    width = max(map(len, shown), default=0)
    for name, use in shown.items():
        style = STYLES[uses.TONES[use["state"]]]
        done = f"{use['tested']} of {use['planned']} tested"
        yield f"  {name:<{width}}  {use['state']:<10}  {done:>16}  {ROLES[use['role']]}".rstrip(), style
    if absent := [name for name in subject["uses"] if name not in shown]:
        yield from _wrapped(f"not offered: {', '.join(absent)}", "  ", FAINT)


def _stack(verdict: Json) -> Iterator[Line]:
    """Findings about the installed libraries, which concern every model here."""
    if verdict["stack"]:
        yield "", {}
        yield f"YOUR STACK ({len(verdict['stack'])})", BOLD
    for entry in verdict["stack"][:SHOWN]:
        yield from _wrapped(f"{entry['severity']} {entry['check']}: {entry['summary']}", "  - ")


def _scope(records: RunRecords, verdict: Json) -> Iterator[Line]:
    """What the verdicts hold for."""
    run = verdict["run"]
    versions = ", ".join(f"{name} {run['versions'][name]}" for name in SCOPE if name in run["versions"])
    yield "", {}
    yield from _wrapped(f"Holds for {versions}, on {run['device']}, profile {run['profile']}.", "", FAINT)


def left_out(entries: list[Json], subjects: set[str]) -> Iterator[Line]:
    """The checks that were not generated, by the need that is not met."""
    everyone = subjects.union(*(entry["subjects"] for entry in entries))
    yield "", {}
    yield "CHECKS THAT DO NOT APPLY" if entries else "CHECKS THAT DO NOT APPLY: none", BOLD
    for entry in entries:
        checks = entry["checks"]
        need = f"{wording.count(len(checks), 'check')} {'needs' if len(checks) == 1 else 'need'} {entry['what']}"
        lacking = "all models" if len(entry["subjects"]) == len(everyone) else wording.names(entry["subjects"])
        yield "", {}
        yield from _wrapped(f"{need} ({lacking})" if len(everyone) > 1 else need, "  ", BOLD)
        yield from _wrapped(", ".join(sorted(checks)), "    ", limit=100_000)


def _path(directory: Path | None) -> Iterator[Line]:
    if directory is not None:
        yield "", {}
        yield f"Report: {wording.line(str(Path(directory) / 'report.html'), 10_000)}", BOLD


def _wrapped(value: str, opening: str, style: dict[str, bool] | None = None, limit: int = 1_000) -> Iterator[Line]:
    """The text on lines that fit, indented below its opening."""
    indent = " " * len(opening)
    wrapped = textwrap.wrap(
        wording.line(value, limit), WIDTH, initial_indent=opening, subsequent_indent=indent, break_on_hyphens=False
    )
    for each in wrapped:
        yield each, style or {}
