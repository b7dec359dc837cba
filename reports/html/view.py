"""What the page says, grouped for a reader: plain dictionaries that the template walks through."""

from __future__ import annotations

from collections.abc import Sequence

from reports.baseline import file
from reports.html import answers_and_tokens, checks, findings, metrics, plots
from reports.html.filter_keys import Places
from reports.output import variants
from reports.records.schema import OUTCOMES, Json, Trial

OPEN = 40
"""More records than this, and the lists of a suite start folded."""

ERRORS = 200


def view(trial: Trial, verdict: Json, regressions: Sequence[Json]) -> Json:
    """Everything that the template needs."""
    cases = [
        case | {"anchor": f"subject-{index}", "but": file.reservation(case["subject"]["name"], regressions)}
        for index, case in enumerate(verdict["subjects"], 1)
    ]
    places = Places(trial)
    parts = (
        _top(trial, verdict, cases, regressions),
        _findings(trial, cases, regressions, places),
        _measured(trial, cases),
        _ran(trial, cases, places),
    )
    return {name: value for part in parts for name, value in part.items()}


def _top(trial: Trial, verdict: Json, cases: Sequence[Json], changes: Sequence[Json]) -> Json:
    return {
        "run": verdict["run"],
        "cases": cases,
        "single": len(cases) == 1,
        "subjects": trial.subjects,
        "changes": list(changes[: findings.FULL]),
        "more_changes": max(0, len(changes) - findings.FULL),
        "compared": bool(trial.run.options.get("baseline")),
        "totals": _totals(cases),
    }


def _totals(cases: Sequence[Json]) -> dict[str, int]:
    return {outcome: sum(case["counts"][outcome] for case in cases) for outcome in OUTCOMES}


def _findings(trial: Trial, cases: Sequence[Json], changes: Sequence[Json], places: Places) -> Json:
    every = list(findings.findings(cases))
    return {
        "severities": findings.severities(trial, every[: findings.FULL], places),
        "more_findings": max(0, len(every) - findings.FULL),
        "finding_count": len(every),
        "steps": findings.steps(trial, cases, every, changes),
    }


def _measured(trial: Trial, cases: Sequence[Json]) -> Json:
    several = len(cases) > 1
    tables = [table for case in cases if (table := variants.compared(case))]
    pictures, more = metrics.pictures(trial, cases, tables)
    return {
        "capabilities": metrics.capabilities(trial, cases),
        "tables": tables,
        "plots": pictures,
        "more_plots": more,
        "can_plot": plots.available(),
        "metrics": [] if several else metrics.metrics(cases, tables),
        "metrics_of_all": metrics.side_by_side(cases)[: metrics.ROWS] if several else [],
        "findings_of_all": metrics.findings_matrix(trial, cases) if several else [],
        "languages": answers_and_tokens.languages(cases),
        "answers": answers_and_tokens.answers(trial),
    }


def _ran(trial: Trial, cases: Sequence[Json], places: Places) -> Json:
    suites = checks.suites(trial, places)
    return {
        "suites": suites,
        "menus": places.choices([suite["name"] for suite in suites], _totals(cases)),
        "open": len(trial.checks) <= OPEN,
        "slowest": checks.slowest(trial),
        "pipelines": checks.pipelines(trial),
        "unsupported": checks.unsupported(trial),
        "errors": [check for check in trial.checks if check.outcome == "error"],
        "error_limit": ERRORS,
        "missing": trial.missing(),
        "seconds": sum(check.duration for check in trial.checks),
    }
