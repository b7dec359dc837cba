"""Merges the shards of a run: the union of their subjects and checks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from reports.records import schema
from reports.records.run_records import RunRecords, worst_by_key
from reports.records.schema import End, Run, Subject
from reports.records.to_json import Json

SAME = ("device", "profile", "seed", "versions", "options", "policy")
"""Fields of a run that are equal in all shards; runs that differ in one of them are different runs."""


def merge(shards: Sequence[RunRecords], *, force: bool = False) -> RunRecords:
    """Returns the records of all shards.

    Args:
        force: merge runs that differ, and list the differences in the environment.
    """
    if not shards:
        raise ValueError("nothing to merge")
    differences = _differences([shard.run for shard in shards])
    if differences and not force:
        fields = "; ".join(f"{field}: {' and '.join(values)}" for field, values in differences.items())
        raise ValueError(f"these are different runs, not shards of one ({fields}); --force merges them and says so")
    merged = RunRecords(_run(shards, differences), subjects=_subjects(shards), end=_end(shards))
    for shard in shards:
        merged.catalog.update(shard.catalog)
    merged.plan = list({schema.key(planned): planned for shard in shards for planned in shard.plan}.values())
    merged.checks = list(worst_by_key(check for shard in shards for check in shard.checks).values())
    merged.left_out = _left_out(entry for shard in shards for entry in shard.left_out)
    return merged


def stream(records: RunRecords) -> Iterable[schema.Record]:
    """The records in the order of a file."""
    yield records.run
    yield from records.subjects
    yield schema.Catalog(records.catalog)
    yield schema.Plan(records.plan, records.deselected, records.left_out)
    yield from records.checks
    if records.end:
        yield records.end


def _differences(runs: Sequence[Run]) -> dict[str, list[str]]:
    """Fields of SAME in which the runs differ, with their values; of tables only the entries that differ."""
    differences = {}
    for field in SAME:
        values = [getattr(run, field) for run in runs]
        if any(value != values[0] for value in values):
            differences[field] = list(dict.fromkeys(str(_differing_entries(value, values)) for value in values))
    return differences


def _differing_entries(value: object, others: Sequence[object]) -> object:
    if not isinstance(value, dict):
        return value
    tables = [other for other in others if isinstance(other, dict)]
    return {name: item for name, item in value.items() if any(table.get(name) != item for table in tables)}


def _run(shards: Sequence[RunRecords], differences: dict[str, list[str]]) -> Run:
    runs = [shard.run for shard in shards]
    environment = runs[0].environment | {"merged from": f"{len(runs)} runs"}
    if differences:
        environment |= {f"differs: {field}": values for field, values in differences.items()}
    commands = " && ".join(dict.fromkeys(run.command for run in runs))
    selections = "; ".join(dict.fromkeys(run.selection for run in runs if run.selection)) or None
    started = min(run.started for run in runs)
    return dataclasses.replace(
        runs[0], started=started, command=commands, selection=selections, environment=environment
    )


def _subjects(shards: Sequence[RunRecords]) -> list[Subject]:
    """One subject for each name; two models under one name are refused even with `force`."""
    merged: dict[str, Subject] = {}
    for subject in (subject for shard in shards for subject in shard.subjects):
        known = merged.setdefault(subject.name, subject)
        if known.fingerprint != subject.fingerprint:
            raise ValueError(f"{subject.name} has other files in another shard; give the two models two names")
        problems = known.problems + [problem for problem in subject.problems if problem not in known.problems]
        merged[subject.name] = dataclasses.replace(
            known,
            problems=problems,
            accepted=known.accepted | subject.accepted,
            accepted_until=known.accepted_until | subject.accepted_until,
            accepted_evidence=known.accepted_evidence | subject.accepted_evidence,
        )
    return list(merged.values())


def _left_out(entries: Iterable[Json]) -> list[Json]:
    """One entry for each need and list of checks, with the subjects of all shards."""
    merged: dict[tuple[str, tuple[str, ...]], dict[str, None]] = {}
    for entry in entries:
        merged.setdefault((entry["what"], tuple(entry["checks"])), {}).update(dict.fromkeys(entry["subjects"]))
    return [
        {"what": what, "checks": list(checks), "subjects": list(subjects)}
        for (what, checks), subjects in merged.items()
    ]


def _end(shards: Sequence[RunRecords]) -> End | None:
    """The end of the last shard; None unless every shard came to its end."""
    ends: list[End] = [shard.end for shard in shards if shard.end]
    if len(ends) < len(shards):
        return None
    finished, exitstatus = max(end.finished for end in ends), max(end.exitstatus for end in ends)
    return End(finished, exitstatus, " ".join(dict.fromkeys(end.stopped_by for end in ends if end.stopped_by)))
