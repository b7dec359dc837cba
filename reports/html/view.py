"""The content of the page, grouped for a reader: plain dictionaries for the templates."""

from __future__ import annotations

from collections.abc import Sequence

from reports.baseline import kinds
from reports.html import answers_and_tokens, checks, findings, metrics, plots, uses
from reports.html.filter_keys import FilterKeys
from reports.output import variants
from reports.records.outcomes import OUTCOMES
from reports.records.run_records import RunRecords
from reports.records.to_json import Json
from reports.verdict.judge import TONES

OPEN = 40
"""Records above which the lists of a suite start folded."""

ERRORS = 200


def view(records: RunRecords, verdict: Json, regressions: Sequence[Json]) -> Json:
    """Everything that the templates need."""
    subjects = [
        subject
        | {
            "anchor": f"subject-{index}",
            "tone": TONES[subject["verdict"]],
            "table": uses.table(subject),
            "reservation": kinds.reservation(subject["subject"]["name"], regressions),
        }
        for index, subject in enumerate(verdict["subjects"], 1)
    ]
    keys = FilterKeys(records)
    parts = (
        _top(records, verdict, subjects, regressions),
        _findings(records, subjects, regressions, keys),
        _metrics(records, subjects),
        _checks(records, subjects, keys),
    )
    return {name: value for part in parts for name, value in part.items()}


def _top(records: RunRecords, verdict: Json, subjects: Sequence[Json], changes: Sequence[Json]) -> Json:
    return {
        "run": verdict["run"],
        "scope": uses.scope(verdict),
        "stack": verdict.get("stack") or [],
        "subjects": subjects,
        "single": len(subjects) == 1,
        "models": records.subjects,
        "changes": list(changes[: findings.FULL]),
        "more_changes": max(0, len(changes) - findings.FULL),
        "compared": bool(records.run.options.get("baseline")),
        "totals": _totals(subjects),
    }


def _totals(subjects: Sequence[Json]) -> dict[str, int]:
    return {outcome: sum(subject["counts"][outcome] for subject in subjects) for outcome in OUTCOMES}


def _findings(records: RunRecords, subjects: Sequence[Json], changes: Sequence[Json], keys: FilterKeys) -> Json:
    every = list(findings.findings(subjects))
    return {
        "severities": findings.severities(records, every[: findings.FULL], keys),
        "more_findings": max(0, len(every) - findings.FULL),
        "finding_count": len(every),
        "steps": findings.steps(records, subjects, every, changes),
    }


def _metrics(records: RunRecords, subjects: Sequence[Json]) -> Json:
    several = len(subjects) > 1
    tables = [table for subject in subjects if (table := variants.compared(subject))]
    pictures, more = metrics.pictures(records, subjects, tables)
    return {
        "capabilities": metrics.capabilities(records, subjects),
        "tables": tables,
        "plots": pictures,
        "more_plots": more,
        "can_plot": plots.available(),
        "metrics": [] if several else metrics.metrics(subjects, tables),
        "metrics_of_all": metrics.side_by_side(subjects)[: metrics.ROWS] if several else [],
        "findings_of_all": metrics.findings_matrix(records, subjects) if several else [],
        "languages": answers_and_tokens.languages(subjects),
        "answers": answers_and_tokens.answers(records),
    }


def _checks(records: RunRecords, subjects: Sequence[Json], keys: FilterKeys) -> Json:
    suites = checks.suites(records, keys)
    return {
        "suites": suites,
        "menus": keys.choices([suite["name"] for suite in suites], _totals(subjects)),
        "open": len(records.checks) <= OPEN,
        "slowest": checks.slowest(records),
        "pipelines": checks.pipelines(records),
        "unsupported": checks.unsupported(records),
        "errors": [check for check in records.checks if check.outcome == "error"],
        "error_limit": ERRORS,
        "missing": records.missing(),
        "left_out": checks.left_out(records),
        "seconds": sum(check.duration for check in records.checks),
    }
