"""Findings of one subject: from check records, and from problems that keep it from loading."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reports.records import to_json
from reports.records.outcomes import SEVERITIES
from reports.records.policy import IGNORE, Policy
from reports.records.run_records import RunRecords
from reports.records.schema import Check, Subject
from reports.records.to_json import Json

LOADS = "integrity/loads"
"""The check that reports a subject that cannot be loaded."""


def findings_of(records: RunRecords, subject: Subject, policy: Policy, checks: Iterable[Check]) -> list[Json]:
    """Defects first. Accepted and ignored findings are listed with their reason, never dropped."""
    findings = [_from_problem(records, problem) for problem in subject.problems if not is_unsupported(problem)]
    findings += [_from_check(records, check) for check in checks if check.outcome in SEVERITIES]
    graded = [_graded(finding, subject, policy) for finding in findings]
    return sorted(_merged(graded), key=lambda finding: (SEVERITIES.index(finding["severity"]), finding["check"]))


def decisive(findings: Iterable[Json], severity: str) -> list[Json]:
    """Findings of a severity that are neither accepted nor ignored."""
    return [f for f in findings if f["severity"] == severity and not f.get("accepted") and not f.get("ignored")]


def is_unsupported(problem: Json) -> bool:
    """True for a problem that leaves the subject untested, because nothing is known to be wrong with it."""
    return problem.get("outcome") == "unsupported"


def _from_problem(records: RunRecords, problem: Json) -> Json:
    known = ("summary", "fix", "reproduce")
    return _finding(
        LOADS,
        "defect",
        summary=str(problem.get("summary") or f"The subject cannot be loaded: {problem.get('file', 'unknown file')}."),
        evidence={name: value for name, value in problem.items() if name not in known},
        fix=str(problem.get("fix") or records.catalog.get(LOADS, {}).get("fix", "")),
        reproduce=str(problem.get("reproduce") or records.run.command),
    )


def _from_check(records: RunRecords, check: Check) -> Json:
    finding = _finding(
        check.check,
        check.outcome,
        variant=check.variant,
        summary=check.summary or f"{check.check} failed without a message.",
        evidence=check.evidence,
        fix=check.fix or records.catalog.get(check.check, {}).get("fix", ""),
        reproduce=check.reproduce,
    )
    return finding | ({"parameters": check.parameters} if check.parameters else {})


def _finding(check: str, severity: str, *, variant: Json | None = None, **rest: Any) -> Json:
    return {"check": check, "severity": severity, "variant": variant or {}, **rest}


def _graded(finding: Json, subject: Subject, policy: Policy) -> Json:
    """The finding with the severity of the policy and the reasons of policy and manifest."""
    if grade := policy.severity.get(finding["check"]):
        ignored = grade.level == IGNORE
        finding = finding | {"ignored" if ignored else "graded": grade.reason}
        finding["severity"] = finding["severity"] if ignored else grade.level
    if reason := subject.accepted.get(finding["check"]):
        finding = finding | {"accepted": reason}
    return finding


def _merged(findings: Iterable[Json]) -> list[Json]:
    """One entry for the same summary of the same variant, with the number of parameters in `times`."""
    merged: dict[str, Json] = {}
    for finding in findings:
        variant = {} if finding["check"] == LOADS else finding["variant"]  # no variant loads, and one entry says why
        same = to_json.dumps([finding["check"], finding["severity"], variant, finding["summary"]], sort=True)
        if same not in merged:
            merged[same] = finding
        elif merged[same].get("parameters") != finding.get("parameters"):
            merged[same]["times"] = merged[same].get("times", 1) + 1
    return list(merged.values())
