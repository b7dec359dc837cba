"""What ran: every check by suite, the slowest, pipelines by task, and what could not run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from reports import wording
from reports.baseline.file import RANK
from reports.html.filter_keys import Places
from reports.records.schema import OUTCOMES, Check, Json, Trial

REASONS = 400
SLOWEST = 10
LONG = 0.5
"""Seconds below which nobody asks where the time went."""


def suites(trial: Trial, places: Places) -> list[Json]:
    """Suite, then check id, then its records."""
    found: dict[str, dict[str, list[Check]]] = {}
    for check in trial.checks:
        found.setdefault(check.suite, {}).setdefault(check.check, []).append(check)
    return [_suite(trial, name, found[name], places) for name in sorted(found)]


def _suite(trial: Trial, name: str, checks: dict[str, list[Check]], places: Places) -> Json:
    every = [check for records in checks.values() for check in records]
    several = len(trial.subjects) > 1
    return {
        "name": name,
        "tally": tally(every),
        "seconds": sum(check.duration for check in every),
        "groups": [
            {
                "check": check,
                "promise": trial.catalog.get(check, {}).get("promise", ""),
                "tally": tally(records),
                "seconds": sum(record.duration for record in records),
                "worst": max(RANK[record.outcome] for record in records),
                "rows": [_row(record, several, places) for record in records],
            }
            for check, records in sorted(checks.items())
        ],
    }


def _row(record: Check, several: bool, places: Places) -> tuple[Any, ...]:
    return place(record, several), record.outcome, record.duration, *places.keys(record.subject, record.variant)


def place(record: Check, several: bool) -> str:
    """Where a record comes from: subject, variant, parameters."""
    parts = (record.subject if several else "", wording.variant(record.variant), wording.parameters(record.parameters))
    return wording.clip(" · ".join(part for part in parts if part), 300)


def tally(records: Iterable[Check]) -> list[tuple[str, int]]:
    """Outcomes met, with how often."""
    counts = Counter(record.outcome for record in records)
    return [(outcome, counts[outcome]) for outcome in OUTCOMES if counts[outcome]]


def slowest(trial: Trial) -> list[tuple[str, str, float]]:
    """The checks that took longest: id, place, seconds."""
    several = len(trial.subjects) > 1
    taken = sorted(trial.checks, key=lambda check: -check.duration)[:SLOWEST]
    return [(check.check, place(check, several), check.duration) for check in taken if check.duration >= LONG]


def unsupported(trial: Trial) -> list[tuple[str, list[str], int]]:
    """Each reason once, with the checks that gave it."""
    reasons: dict[str, Counter[str]] = {}
    for check in trial.checks:
        if check.outcome == "unsupported":
            reasons.setdefault(check.summary or "No reason was given.", Counter())[check.check] += 1
    grouped = [(reason, sorted(checks), checks.total()) for reason, checks in reasons.items()]
    return sorted(grouped, key=lambda entry: -entry[2])[:REASONS]


def pipelines(trial: Trial) -> Json:
    """Tasks as columns, the checks of pipelines as rows, the worst outcome of each in its cell."""
    cells: dict[str, dict[str, str]] = {}
    tasks: dict[str, None] = {}
    for check in trial.checks:
        task = check.parameters.get("task")
        if check.suite == "pipelines" and isinstance(task, str):
            tasks[task] = None
            row = cells.setdefault(check.check, {})
            row[task] = max(row.get(task, "pass"), check.outcome, key=lambda outcome: RANK[outcome])
    rows = [(check, [row.get(task, "") for task in tasks]) for check, row in sorted(cells.items())]
    return {"tasks": list(tasks), "rows": rows}
