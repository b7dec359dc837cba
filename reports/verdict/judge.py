"""The verdict: what the records of a trial mean for somebody who wants to adopt the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from reports.records.policy import Bound, Grade, Policy
from reports.records.schema import OUTCOMES, SCHEMA, Json, Trial
from reports.verdict.reasons import INTERRUPTED, Case

__all__ = ["VERDICTS", "Bound", "Grade", "Policy", "exit_code", "judge"]

T = TypeVar("T")
VERDICTS = ("adopt", "adopt-with-conditions", "reject", "inconclusive")


def judge(trial: Trial, regressions: Sequence[Json] = ()) -> Json:
    """The content of `verdict.json`."""
    policy = Policy.from_dict(trial.run.policy)
    checks = by_subject(trial.checks, lambda check: check.subject)
    planned = by_subject(trial.plan, lambda entry: str(entry["subject"]))
    missing = by_subject(trial.missing(), lambda entry: str(entry["subject"]))
    cases = [
        Case(trial, each, policy, checks.get(each.name, []), planned.get(each.name, []), missing.get(each.name, []))
        for each in trial.subjects
    ]
    return {
        "schema": SCHEMA,
        "run": _run(trial),
        "subjects": [_subject(case) for case in cases],
        "regressions": list(regressions),
    }


def by_subject(records: Iterable[T], subject: Callable[[T], str]) -> dict[str, list[T]]:
    """Sorted once: thousands of subjects are not looked for one by one."""
    found: dict[str, list[T]] = {}
    for record in records:
        found.setdefault(subject(record), []).append(record)
    return found


def exit_code(verdict: Json) -> int:
    """0 when every subject may be adopted, 1 otherwise; a run without subjects has shown nothing."""
    good = [subject["verdict"] in VERDICTS[:2] for subject in verdict["subjects"]]
    return 0 if good and all(good) else 1


def _run(trial: Trial) -> Json:
    run, end = trial.run, trial.end
    return {
        "started": run.started,
        "finished": end.finished if end else None,
        "complete": end is not None and end.exitstatus not in INTERRUPTED,
        "profile": run.profile,
        "seed": run.seed,
        "device": run.device,
        "versions": run.versions,
        "command": run.command,
        "options": run.options,
        "environment": run.environment,
    }


def _subject(case: Case) -> Json:
    """The verdict on one subject."""
    subject, counts = case.subject, Counter(check.outcome for check in case.checks)
    fields = ("name", "source", "revision", "fingerprint", "architecture", "parameters")
    return {
        "subject": {name: getattr(subject, name) for name in fields},
        "verdict": case.verdict,
        "reasons": case.reasons,
        "counts": {outcome: counts[outcome] for outcome in OUTCOMES},
        "findings": case.findings,
        "capabilities": case.capabilities,
        "metrics": case.metrics,
    }
