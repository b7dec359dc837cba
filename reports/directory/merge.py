"""Shards of one run as one trial: the union of their subjects and checks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from reports.baseline.file import RANK
from reports.records import schema
from reports.records.schema import Check, End, Run, Subject, Trial

SAME = ("device", "profile", "seed", "versions", "options", "policy")
"""One verdict is given under one set of conditions: shards that differ here are different runs."""


def merge(trials: Sequence[Trial], *, force: bool = False) -> Trial:
    """The trials as one. `force` merges runs that differ, and says in the environment how they do."""
    if not trials:
        raise ValueError("nothing to merge")
    differences = _differences([trial.run for trial in trials])
    if differences and not force:
        told = "; ".join(f"{field}: {' and '.join(values)}" for field, values in differences.items())
        raise ValueError(f"these are different runs, not shards of one ({told}); --force merges them and says so")
    merged = Trial(_run(trials, differences), subjects=_subjects(trials), end=_end(trials))
    for trial in trials:
        merged.catalog.update(trial.catalog)
    merged.plan = list({schema.key(planned): planned for trial in trials for planned in trial.plan}.values())
    merged.checks = _checks(check for trial in trials for check in trial.checks)
    return merged


def stream(trial: Trial) -> Iterable[schema.Record]:
    """The records of a trial in the order of a file."""
    yield trial.run
    yield from trial.subjects
    yield schema.Catalog(trial.catalog)
    yield schema.Plan(trial.plan)
    yield from trial.checks
    if trial.end:
        yield trial.end


def _differences(runs: Sequence[Run]) -> dict[str, list[str]]:
    """Fields of SAME in which the runs differ, with their values; of tables only the entries that differ."""
    found = {}
    for field in SAME:
        values = [getattr(run, field) for run in runs]
        if any(value != values[0] for value in values):
            found[field] = list(dict.fromkeys(str(_unlike(value, values)) for value in values))
    return found


def _unlike(value: object, others: Sequence[object]) -> object:
    if not isinstance(value, dict):
        return value
    tables = [other for other in others if isinstance(other, dict)]
    return {name: item for name, item in value.items() if any(table.get(name) != item for table in tables)}


def _run(trials: Sequence[Trial], differences: dict[str, list[str]]) -> Run:
    runs = [trial.run for trial in trials]
    environment = runs[0].environment | {"merged from": f"{len(runs)} runs"}
    if differences:
        environment |= {f"differs: {field}": values for field, values in differences.items()}
    commands = " && ".join(dict.fromkeys(run.command for run in runs))
    return dataclasses.replace(
        runs[0], started=min(run.started for run in runs), command=commands, environment=environment
    )


def _subjects(trials: Sequence[Trial]) -> list[Subject]:
    """One subject for each name; two models under one name cannot be told apart, so that is never forced."""
    found: dict[str, Subject] = {}
    for subject in (subject for trial in trials for subject in trial.subjects):
        known = found.setdefault(subject.name, subject)
        if known.fingerprint != subject.fingerprint:
            raise ValueError(f"{subject.name} has other files in another shard; give the two models two names")
        problems = known.problems + [problem for problem in subject.problems if problem not in known.problems]
        found[subject.name] = dataclasses.replace(known, problems=problems, accepted=known.accepted | subject.accepted)
    return list(found.values())


def _checks(checks: Iterable[Check]) -> list[Check]:
    """The worst record of each key, so that a rerun in another shard hides nothing."""
    worst: dict[str, Check] = {}
    for check in checks:
        if (key := check.key) not in worst or RANK[check.outcome] > RANK[worst[key].outcome]:
            worst[key] = check
    return list(worst.values())


def _end(trials: Sequence[Trial]) -> End | None:
    """Ended when every shard did."""
    ends: list[End] = [trial.end for trial in trials if trial.end]
    if len(ends) < len(trials):
        return None
    return End(max(end.finished for end in ends), max(end.exitstatus for end in ends))
