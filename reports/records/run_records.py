"""All records of one run, by kind: the input of verdict, baseline and report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from reports.records.outcomes import rank
from reports.records.schema import Catalog, Check, End, Plan, Record, Run, Subject, key
from reports.records.to_json import Json


@dataclass
class RunRecords:
    """All records of one run."""

    run: Run
    subjects: list[Subject] = field(default_factory=list)
    catalog: dict[str, dict[str, str]] = field(default_factory=dict)
    plan: list[Json] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    end: End | None = None
    deselected: int = 0
    left_out: list[Json] = field(default_factory=list)
    """Checks that were not generated; see `Plan.left_out`."""

    @classmethod
    def gather(cls, records: Iterable[Record]) -> RunRecords:
        """Sorts a stream of records.

        Raises:
            ValueError: the first record is no run record, or a check is of an unknown subject.
        """
        stream = iter(records)
        first = next(stream, None)
        if not isinstance(first, Run):
            raise ValueError("no run record: the file is empty or not a seatrial record file")
        gathered = cls(first)
        for record in stream:
            gathered.add(record)
        gathered._refuse_unknown_subjects()
        return gathered

    def _refuse_unknown_subjects(self) -> None:
        known = {subject.name for subject in self.subjects}
        for check in self.checks:
            if check.subject not in known:
                subject = f"{check.subject[:60]!r}, which no subject record describes"
                raise ValueError(f"a record of {check.check} is of {subject}")

    def add(self, record: Record) -> None:
        match record:
            case Subject():
                self.subjects.append(record)
            case Catalog():
                self.catalog.update(record.checks)
            case Plan():
                self.plan.extend(record.checks)
                self.deselected += record.deselected
                self.left_out.extend(record.left_out)
            case Check():
                self.checks.append(record)
            case End():
                self.end = record

    @property
    def selection(self) -> str | None:
        """The arguments that made the run a part of the trial; None for a whole one."""
        stopped_by = self.end.stopped_by if self.end else ""
        return " ".join(filter(None, (self.run.selection, stopped_by))) or None

    def checks_of(self, subject: str) -> list[Check]:
        return [check for check in self.checks if check.subject == subject]

    def missing(self) -> list[Json]:
        """Planned checks without a record: the run was cut short, or a worker died."""
        done = {check.key for check in self.checks}
        return [planned for planned in self.plan if key(planned) not in done]


def worst_by_key(checks: Iterable[Check]) -> dict[str, Check]:
    """The worst record of each key, so that a rerun hides nothing."""
    worst: dict[str, Check] = {}
    for check in checks:
        known = worst.setdefault(check.key, check)
        if rank(check.outcome) > rank(known.outcome):
            worst[check.key] = check
    return worst
