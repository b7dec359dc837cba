"""The sections of checks: all checks by suite, the slowest, pipelines by task, and checks that could not run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from reports import wording
from reports.html.filter_keys import FilterKeys
from reports.records.outcomes import OUTCOMES, rank, worst
from reports.records.run_records import RunRecords
from reports.records.schema import Check
from reports.records.to_json import Json

REASONS = 400
SLOWEST = 10
SLOW = 0.5
"""Seconds of the shortest check that is listed as slow."""


def suites(records: RunRecords, keys: FilterKeys) -> list[Json]:
    """The records of checks by suite, then by check id."""
    by_suite: dict[str, dict[str, list[Check]]] = {}
    for check in records.checks:
        by_suite.setdefault(check.suite, {}).setdefault(check.check, []).append(check)
    return [_suite(records, name, by_suite[name], keys) for name in sorted(by_suite)]


def _suite(records: RunRecords, name: str, by_id: dict[str, list[Check]], keys: FilterKeys) -> Json:
    every = [check for checks in by_id.values() for check in checks]
    several = len(records.subjects) > 1
    return {
        "name": name,
        "tally": tally(every),
        "seconds": sum(check.duration for check in every),
        "groups": [
            {
                "check": check_id,
                "promise": records.catalog.get(check_id, {}).get("promise", ""),
                "tally": tally(checks),
                "seconds": sum(check.duration for check in checks),
                "worst": max(rank(check.outcome) for check in checks),
                "rows": [_row(check, several, keys) for check in checks],
            }
            for check_id, checks in sorted(by_id.items())
        ],
    }


def _row(check: Check, several: bool, keys: FilterKeys) -> tuple[Any, ...]:
    return where(check, several), check.outcome, check.duration, *keys.of(check.subject, check.variant)


def where(check: Check, several: bool) -> str:
    """Subject, variant and parameters of a record; the subject only if there are several."""
    parts = (check.subject if several else "", wording.variant(check.variant), wording.parameters(check.parameters))
    return wording.clip(" · ".join(part for part in parts if part), 300)


def tally(checks: Iterable[Check]) -> list[tuple[str, int]]:
    """The outcomes that occur, with their numbers."""
    counts = Counter(check.outcome for check in checks)
    return [(outcome, counts[outcome]) for outcome in OUTCOMES if counts[outcome]]


def slowest(records: RunRecords) -> list[tuple[str, str, float]]:
    """Id, subject and variant, and seconds of the slowest checks."""
    several = len(records.subjects) > 1
    checks = sorted(records.checks, key=lambda check: -check.duration)[:SLOWEST]
    return [(check.check, where(check, several), check.duration) for check in checks if check.duration >= SLOW]


def unsupported(records: RunRecords) -> list[tuple[str, list[str], int]]:
    """Each reason with its checks and the number of records."""
    reasons: dict[str, Counter[str]] = {}
    for check in records.checks:
        if check.outcome == "unsupported":
            reasons.setdefault(check.summary or "No reason was given.", Counter())[check.check] += 1
    grouped = [(reason, sorted(checks), checks.total()) for reason, checks in reasons.items()]
    return sorted(grouped, key=lambda entry: -entry[2])[:REASONS]


def left_out(records: RunRecords) -> list[Json]:
    """The checks that were not generated, by need, with the number of subjects if there are several."""
    several = len(records.subjects) > 1
    by_need: dict[str, list[Json]] = {}
    for entry in records.left_out:
        by_need.setdefault(entry["what"], []).append(entry)
    needs = []
    for what, entries in by_need.items():
        checks = sorted({check for entry in entries for check in entry["checks"]})
        subjects = len({subject for entry in entries for subject in entry["subjects"]})
        needs.append({"what": what, "checks": checks, "subjects": subjects if several else 0})
    return sorted(needs, key=lambda need: -len(need["checks"]))


def pipelines(records: RunRecords) -> Json:
    """A table of the checks of pipelines by task, with the worst outcome of each."""
    cells: dict[str, dict[str, str]] = {}
    tasks: dict[str, None] = {}
    for check in records.checks:
        task = check.parameters.get("task")
        if check.suite == "pipelines" and isinstance(task, str):
            tasks[task] = None
            row = cells.setdefault(check.check, {})
            row[task] = worst([row.get(task, check.outcome), check.outcome])
    rows = [(check, [row.get(task, "") for task in tasks]) for check, row in sorted(cells.items())]
    return {"tasks": list(tasks), "rows": rows}
