"""What the page says, grouped for a reader: plain dictionaries that the template walks through."""

from __future__ import annotations

from collections.abc import Sequence

from reports import baseline
from reports.html import found, measured, plots, ran, samples, variants
from reports.html.places import Places
from reports.records import OUTCOMES, Json, Trial

OPEN = 40
"""More records than this, and the lists of a suite start folded."""

ERRORS = 200


def view(trial: Trial, verdict: Json, regressions: Sequence[Json]) -> Json:
    """Everything that the template needs."""
    cases = [
        case | {"anchor": f"subject-{index}", "but": baseline.reservation(case["subject"]["name"], regressions)}
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
        "changes": list(changes[: found.FULL]),
        "more_changes": max(0, len(changes) - found.FULL),
        "compared": bool(trial.run.options.get("baseline")),
        "totals": _totals(cases),
    }


def _totals(cases: Sequence[Json]) -> dict[str, int]:
    return {outcome: sum(case["counts"][outcome] for case in cases) for outcome in OUTCOMES}


def _findings(trial: Trial, cases: Sequence[Json], changes: Sequence[Json], places: Places) -> Json:
    every = list(found.findings(cases))
    return {
        "severities": found.severities(trial, every[: found.FULL], places),
        "more_findings": max(0, len(every) - found.FULL),
        "finding_count": len(every),
        "steps": found.steps(trial, cases, every, changes),
    }


def _measured(trial: Trial, cases: Sequence[Json]) -> Json:
    several = len(cases) > 1
    tables = [table for case in cases if (table := variants.compared(case))]
    pictures, more = measured.pictures(trial, cases, tables)
    return {
        "capabilities": measured.capabilities(trial, cases),
        "tables": tables,
        "plots": pictures,
        "more_plots": more,
        "can_plot": plots.available(),
        "metrics": [] if several else measured.metrics(cases, tables),
        "metrics_of_all": measured.side_by_side(cases)[: measured.ROWS] if several else [],
        "findings_of_all": measured.findings_matrix(trial, cases) if several else [],
        "languages": samples.languages(cases),
        "answers": samples.answers(trial),
    }


def _ran(trial: Trial, cases: Sequence[Json], places: Places) -> Json:
    suites = ran.suites(trial, places)
    return {
        "suites": suites,
        "menus": places.choices([suite["name"] for suite in suites], _totals(cases)),
        "open": len(trial.checks) <= OPEN,
        "slowest": ran.slowest(trial),
        "pipelines": ran.pipelines(trial),
        "unsupported": ran.unsupported(trial),
        "errors": [check for check in trial.checks if check.outcome == "error"],
        "error_limit": ERRORS,
        "missing": trial.missing(),
        "seconds": sum(check.duration for check in trial.checks),
    }
