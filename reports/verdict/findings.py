"""Findings of one subject: from check records, and from problems that keep it from loading."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

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
    findings += [found for check in checks if check.outcome in SEVERITIES for found in _from_check(records, check)]
    graded = [_graded(finding, subject, policy) for finding in findings]
    return sorted(_merged(graded), key=lambda finding: (SEVERITIES.index(finding["severity"]), finding["check"]))


def decisive(findings: Iterable[Json], severity: str) -> list[Json]:
    """Findings of a severity that are neither accepted nor ignored."""
    return [f for f in findings if f["severity"] == severity and not f.get("accepted") and not f.get("ignored")]


def is_unsupported(problem: Json) -> bool:
    """True for a problem that leaves the subject untested, because nothing is known to be wrong with it."""
    return problem.get("outcome") == "unsupported"


def _from_problem(records: RunRecords, problem: Json) -> Json:
    known = ("summary", "fix", "remedy", "reproduce")
    return {
        "check": LOADS,
        "severity": "defect",
        "about": "subject",
        "uses": ["loading"],
        "variant": {},
        "summary": str(
            problem.get("summary") or f"The subject cannot be loaded: {problem.get('file', 'unknown file')}."
        ),
        "evidence": {name: value for name, value in problem.items() if name not in known},
        "fix": str(problem.get("fix") or problem.get("remedy") or records.catalog.get(LOADS, {}).get("fix", "")),
        "reproduce": str(problem.get("reproduce") or records.run.command),
    }


def _from_check(records: RunRecords, check: Check) -> Iterator[Json]:
    """The finding of a record, and its others."""
    parameters = {"parameters": check.parameters} if check.parameters else {}
    for found in (vars(check), *check.others):
        yield {
            "check": check.check,
            "severity": found["outcome"],
            "about": found.get("about") or "subject",
            "uses": found.get("affects") or check.uses or ["loading"],
            "variant": check.variant,
            "summary": found.get("summary") or f"{check.check} failed without a message.",
            "evidence": found.get("evidence") or {},
            "fix": found.get("fix") or records.catalog.get(check.check, {}).get("fix", ""),
            "reproduce": check.reproduce,
            **parameters,
        }


def _graded(finding: Json, subject: Subject, policy: Policy) -> Json:
    """The finding with the severity of the policy and the reasons of policy and manifest."""
    if grade := policy.severity.get(finding["check"]):
        ignored = grade.level == IGNORE
        finding = finding | {"ignored" if ignored else "graded": grade.reason}
        finding["severity"] = finding["severity"] if ignored else grade.level
    return finding | _acceptance(finding, subject)


def _acceptance(finding: Json, subject: Subject) -> Json:
    """`accepted` with the reason; `not_accepted` with why the acceptance does not count any more."""
    check = finding["check"]
    if check not in subject.accepted:
        return {}
    if subject.accepted_until.get(check, "9") < datetime.now(UTC).date().isoformat():
        return {"not_accepted": f"its acceptance ended on {subject.accepted_until[check]}"}
    expected = subject.accepted_evidence.get(check)
    if expected and digest(finding) != expected:
        return {"not_accepted": f"its evidence changed since it was accepted (now {digest(finding)})"}
    return {"accepted": subject.accepted[check]}


def digest(finding: Json) -> str:
    """Returns a short digest of summary and evidence, by which an accepted finding is recognised."""
    content = to_json.dumps([finding["summary"], finding["evidence"]], sort=True)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


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
