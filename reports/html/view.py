"""What the page says, grouped for a reader: plain dictionaries that the template walks through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from reports import baseline, text
from reports.html import evidence
from reports.records import OUTCOMES, Check, Json, Trial

FULL = 400
"""Findings shown with their evidence; the rest are counted and left to verdict.json."""

ERRORS = 200
OPEN = 200
"""More records than this, and the lists of a suite start folded."""

SEVERITIES = {
    "defect": ("Defects", "silently wrong results, or a broken declaration"),
    "hazard": ("Hazards", "works here, but a common use goes wrong"),
}


def view(trial: Trial, verdict: Json, regressions: Sequence[Json]) -> Json:
    """Everything that the template needs."""
    cases = [
        case | {"anchor": f"subject-{index}", "but": baseline.reservation(case["subject"]["name"], regressions)}
        for index, case in enumerate(verdict["subjects"], 1)
    ]
    findings = list(_findings(trial, cases))
    return {
        "run": verdict["run"],
        "cases": cases,
        "single": len(cases) == 1,
        "changes": list(regressions[:FULL]),
        "more_changes": max(0, len(regressions) - FULL),
        "severities": _severities(trial, findings[:FULL]),
        "more_findings": max(0, len(findings) - FULL),
        "finding_count": len(findings),
        "capabilities": _capabilities(trial, cases),
        "metrics": _metrics(cases),
        "subjects": trial.subjects,
        "suites": _suites(trial),
        "open": len(trial.checks) <= OPEN,
        "unsupported": _unsupported(trial),
        "errors": [check for check in trial.checks if check.outcome == "error"],
        "error_limit": ERRORS,
        "missing": trial.missing(),
        "totals": {outcome: sum(case["counts"][outcome] for case in cases) for outcome in OUTCOMES},
        "seconds": sum(check.duration for check in trial.checks),
    }


def _findings(trial: Trial, cases: Iterable[Json]) -> Iterable[Json]:
    for case in cases:
        for finding in case["findings"]:
            yield finding | {"subject": case["subject"]["name"]}


def _severities(trial: Trial, findings: Iterable[Json]) -> list[Json]:
    """Severity, then check, then the findings of that check, each said once."""
    sorted_out: dict[str, dict[str, list[Json]]] = {}
    for finding in findings:
        finding["shown"] = evidence.items(finding["evidence"])
        sorted_out.setdefault(finding["severity"], {}).setdefault(finding["check"], []).append(finding)
    return [
        {
            "name": severity,
            "title": title,
            "meaning": meaning,
            "count": sum(map(len, sorted_out[severity].values())),
            "groups": [_group(trial, check, found) for check, found in sorted_out[severity].items()],
        }
        for severity, (title, meaning) in SEVERITIES.items()
        if severity in sorted_out
    ]


def _group(trial: Trial, check: str, found: list[Json]) -> Json:
    """One check; a remedy that all its findings share is told once."""
    remedies = {finding["remedy"] for finding in found}
    shared = remedies.pop() if len(remedies) == 1 and len(found) > 1 else ""
    return {"check": check, "info": trial.catalog.get(check, {}), "findings": found, "remedy": shared}


def _capabilities(trial: Trial, cases: Sequence[Json]) -> list[Json]:
    """Rows of the matrix: a name and one cell for each subject."""
    proof: dict[tuple[str, str], Any] = {}
    for check in trial.checks:
        for name, fact in check.capabilities.items():
            proof.setdefault((name, check.subject), fact.get("evidence"))
    every = sorted({name for case in cases for name in case["capabilities"]})
    return [
        {"name": name, "cells": [_cell(case, name, proof.get((name, case["subject"]["name"]))) for case in cases]}
        for name in every
    ]


def _cell(case: Json, name: str, proof: Any) -> Json:
    return {
        "value": text.line(text.fact(case["capabilities"].get(name, "not probed")), 120),
        "evidence": evidence.show(proof, 600) if proof not in (None, "", [], {}) else "",
    }


def _metrics(cases: Sequence[Json]) -> list[tuple[str, Json]]:
    """By name, so that subjects and variants stand side by side."""
    every = [(case["subject"]["name"], metric) for case in cases for metric in case["metrics"]]
    return sorted(every, key=lambda entry: str(entry[1]["name"]))


def _suites(trial: Trial) -> list[Json]:
    """Suite, then check id, then its records."""
    suites: dict[str, dict[str, list[Check]]] = {}
    for check in trial.checks:
        suites.setdefault(check.suite, {}).setdefault(check.check, []).append(check)
    return [_suite(trial, name, suites[name]) for name in sorted(suites)]


def _suite(trial: Trial, name: str, checks: dict[str, list[Check]]) -> Json:
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
                "rows": [(place(record, several), record.outcome, record.duration) for record in records],
            }
            for check, records in sorted(checks.items())
        ],
    }


def place(record: Check, several: bool) -> str:
    """Where a record comes from: subject, variant, parameters."""
    parts = (record.subject if several else "", text.variant(record.variant), text.parameters(record.parameters))
    return text.clip(" · ".join(part for part in parts if part), 300)


def tally(records: Iterable[Check]) -> list[tuple[str, int]]:
    """Outcomes met, with how often."""
    counts = Counter(record.outcome for record in records)
    return [(outcome, counts[outcome]) for outcome in OUTCOMES if counts[outcome]]


def _unsupported(trial: Trial) -> list[tuple[str, list[str], int]]:
    """Each reason once, with the checks that gave it."""
    reasons: dict[str, Counter[str]] = {}
    for check in trial.checks:
        if check.outcome == "unsupported":
            reasons.setdefault(check.summary or "No reason was given.", Counter())[check.check] += 1
    grouped = [(reason, sorted(checks), checks.total()) for reason, checks in reasons.items()]
    return sorted(grouped, key=lambda entry: -entry[2])[:FULL]
