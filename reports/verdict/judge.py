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
TONES = {"adopt": "good", "adopt-with-conditions": "caution", "reject": "bad", "inconclusive": "open"}
"""Each verdict with its colour, one of `outcomes.TONES`."""
ADOPTING = ("adopt", "adopt-with-conditions")


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
    """0 if there are subjects and each may be adopted, 1 otherwise."""
    adopted = [subject["verdict"] in ADOPTING for subject in verdict["subjects"]]
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


def _subject(verdict: SubjectVerdict) -> Json:
    subject, counts = verdict.subject, Counter(check.outcome for check in verdict.checks)
    fields = ("name", "source", "revision", "fingerprint", "architecture", "parameters")
    return {
        "subject": {name: getattr(subject, name) for name in fields},
        "verdict": verdict.verdict,
        "reasons": verdict.reasons,
        "counts": {outcome: counts[outcome] for outcome in OUTCOMES},
        "findings": verdict.findings,
        "capabilities": verdict.capabilities,
        "metrics": verdict.metrics,
    }
