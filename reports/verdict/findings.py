"""The findings of one subject: from check records and from the problems that made it unloadable."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reports.records import to_json
from reports.records.policy import Policy
from reports.records.schema import Check, Json, Subject, Trial

LOADS = "integrity/loads"
"""The check that a subject breaks when it cannot be loaded at all."""

ORDER = {"defect": 0, "hazard": 1}


def findings_of(trial: Trial, subject: Subject, policy: Policy, checks: Iterable[Check]) -> list[Json]:
    """Defects first. Accepted and ignored ones are listed with their reason, never dropped."""
    raw = [_from_problem(trial, problem) for problem in subject.problems]
    raw += [_from_check(trial, check) for check in checks if check.outcome in ORDER]
    graded = [_grade(finding, subject, policy) for finding in raw]
    return sorted(_merged(graded), key=lambda finding: (ORDER[finding["severity"]], finding["check"]))


def decisive(findings: Iterable[Json], severity: str) -> list[Json]:
    """Findings of that severity which nobody accepted."""
    return [f for f in findings if f["severity"] == severity and not f.get("accepted") and not f.get("ignored")]


def _from_problem(trial: Trial, problem: Json) -> Json:
    known = ("summary", "remedy", "reproduce")
    evidence = {name: value for name, value in problem.items() if name not in known}
    return _finding(
        LOADS,
        "defect",
        summary=str(problem.get("summary") or f"The subject cannot be loaded: {problem.get('file', 'unknown file')}."),
        evidence=evidence,
        remedy=str(problem.get("remedy") or trial.catalog.get(LOADS, {}).get("fix", "")),
        reproduce=str(problem.get("reproduce") or trial.run.command),
    )


def _from_check(trial: Trial, check: Check) -> Json:
    finding = _finding(
        check.check,
        check.outcome,
        variant=check.variant,
        summary=check.summary or f"{check.check} is broken.",
        evidence=check.evidence,
        remedy=check.remedy or trial.catalog.get(check.check, {}).get("fix", ""),
        reproduce=check.reproduce,
    )
    return finding | ({"parameters": check.parameters} if check.parameters else {})


def _finding(check: str, severity: str, *, variant: Json | None = None, **rest: Any) -> Json:
    return {"check": check, "severity": severity, "variant": variant or {}, **rest}


def _grade(finding: Json, subject: Subject, policy: Policy) -> Json:
    """What policy and manifest make of a finding."""
    if grade := policy.severity.get(finding["check"]):
        name = "ignored" if grade.level == "ignore" else "graded"
        finding = finding | {name: grade.reason}
        finding["severity"] = finding["severity"] if grade.level == "ignore" else grade.level
    if reason := subject.accepted.get(finding["check"]):
        finding = finding | {"accepted": reason}
    return finding


def _merged(findings: Iterable[Json]) -> list[Json]:
    """One entry for the same sentence about the same variant, with how many parameters it was met at."""
    merged: dict[str, Json] = {}
    for finding in findings:
        where = {} if finding["check"] == LOADS else finding["variant"]  # no variant loads, and one says why
        same = to_json.dumps([finding["check"], finding["severity"], where, finding["summary"]], sort=True)
        if same not in merged:
            merged[same] = finding
        elif merged[same].get("parameters") != finding.get("parameters"):
            merged[same]["times"] = merged[same].get("times", 1) + 1
    return list(merged.values())
