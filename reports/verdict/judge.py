"""The verdict on each subject of a run, from the records alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from reports.records.outcomes import OUTCOMES
from reports.records.policy import Policy
from reports.records.run_records import RunRecords
from reports.records.schema import SCHEMA
from reports.records.to_json import Json
from reports.verdict.reasons import INTERRUPTED, SubjectVerdict

T = TypeVar("T")
OF_STACK = ("check", "severity", "about", "summary", "uses", "fix", "reproduce")
"""Fields of a finding about the installed libraries."""
TONES = {
    "adopt": "good",
    "adopt-with-conditions": "caution",
    "reject": "bad",
    "inconclusive": "open",
    "partial": "quiet",
}
"""Each verdict with its colour, one of `outcomes.TONES`."""
ADOPTING = ("adopt", "adopt-with-conditions")
ACCEPTABLE = (*ADOPTING, "partial")
"""Verdicts with exit status 0."""


def judge(records: RunRecords, regressions: Sequence[Json] = ()) -> Json:
    """Returns the content of `verdict.json`."""
    policy = Policy.from_dict(records.run.policy)
    checks = by_subject(records.checks, lambda check: check.subject)
    planned = by_subject(records.plan, lambda entry: str(entry["subject"]))
    missing = by_subject(records.missing(), lambda entry: str(entry["subject"]))
    verdicts = [
        SubjectVerdict(
            records,
            subject,
            policy,
            checks.get(subject.name, []),
            planned.get(subject.name, []),
            missing.get(subject.name, []),
        )
        for subject in records.subjects
    ]
    return {
        "schema": SCHEMA,
        "run": _run(records),
        "stack": stack(verdicts),
        "subjects": [_subject(verdict) for verdict in verdicts],
        "regressions": list(regressions),
    }


def by_subject(records: Iterable[T], subject: Callable[[T], str]) -> dict[str, list[T]]:
    """Groups records by subject once, since a run may have thousands of subjects."""
    groups: dict[str, list[T]] = {}
    for record in records:
        groups.setdefault(subject(record), []).append(record)
    return groups


def exit_code(verdict: Json) -> int:
    """0 if there are subjects and none is rejected or inconclusive, 1 otherwise."""
    adopted = [subject["verdict"] in ACCEPTABLE for subject in verdict["subjects"]]
    return 0 if adopted and all(adopted) else 1


def _run(records: RunRecords) -> Json:
    run, end = records.run, records.end
    return {
        "started": run.started,
        "finished": end.finished if end else None,
        "complete": end is not None and end.exitstatus not in INTERRUPTED,
        "selection": records.selection,
        "profile": run.profile,
        "seed": run.seed,
        "device": run.device,
        "versions": run.versions,
        "command": run.command,
        "options": run.options,
        "environment": run.environment,
    }


def stack(verdicts: Iterable[SubjectVerdict]) -> list[Json]:
    """Findings about the installed libraries, each once, with the subjects that show them."""
    found: dict[tuple[str, str], Json] = {}
    for verdict in verdicts:
        for finding in verdict.findings:
            if finding["about"] != "library":
                continue
            fields = {
                name: finding[name] for name in ("check", "severity", "about", "summary", "uses", "fix", "reproduce")
            }
            entry = found.setdefault((finding["check"], finding["summary"]), fields | {"subjects": []})
            if verdict.subject.name not in entry["subjects"]:
                entry["subjects"].append(verdict.subject.name)
    return list(found.values())


def _subject(verdict: SubjectVerdict) -> Json:
    subject, counts = verdict.subject, Counter(check.outcome for check in verdict.checks)
    fields = ("name", "source", "revision", "fingerprint", "architecture", "parameters")
    return {
        "subject": {name: getattr(subject, name) for name in fields},
        "verdict": verdict.verdict,
        "reasons": verdict.reasons,
        "uses": {name: use.to_json() for name, use in verdict.uses.items()},
        "variants": _variants(verdict) if len(verdict.variants) > 1 else [],
        "counts": {outcome: counts[outcome] for outcome in OUTCOMES},
        "findings": verdict.findings,
        "capabilities": verdict.capabilities,
        "metrics": verdict.metrics,
    }


def _variants(verdict: SubjectVerdict) -> list[Json]:
    """A verdict on each variant alone."""
    given = (verdict.records, verdict.subject, verdict.policy, verdict.checks, verdict.planned, verdict.missing)
    judged = [SubjectVerdict(*given, variant=variant) for variant in verdict.variants]
    return [
        {"variant": each.variant, "verdict": each.verdict, "reasons": each.reasons, "uses": _states(each)}
        for each in judged
    ]


def _states(verdict: SubjectVerdict) -> Json:
    return {name: use.state for name, use in verdict.uses.items()}
