"""The versioned record schema: one JSON line per record, written once, read by everything else.

Kinds, in the order in which a run writes them: `run`, `subject` (one per subject), `catalog`, `plan`,
`check` (one per executed check), `end`. A killed run lacks `end` and its last line may be cut.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Self

from reports.records import renamed, validation
from reports.records import to_json as plain

SCHEMA = 1
OUTCOMES = ("pass", "defect", "hazard", "unsupported", "error")

Json = dict[str, Any]


class Record:
    """Common behaviour of the record dataclasses."""

    kind: ClassVar[str]

    def to_json(self) -> Json:
        # Shallow: `dataclasses.asdict` deep-copies evidence, and fails on what cannot be copied.
        return {"kind": self.kind} | {name: getattr(self, name) for name in _names(type(self))}  # type: ignore[arg-type]

    def line(self) -> str:
        """What stands in the file of records, without the end of the line."""
        return plain.dumps(self.to_json())

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{name: data[name] for name in _names(cls) if name in data})  # type: ignore[arg-type]


@cache
def _names(kind: type[Record]) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(kind))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Run(Record):
    """What was asked for, and where it ran."""

    kind = "run"
    started: str
    """ISO 8601, UTC."""
    profile: str
    """quick, standard or exhaustive."""
    seed: int
    device: str
    """The device that `--device` resolved to: cpu, cuda:0, mps ..."""
    versions: dict[str, str]
    """Library name to version, Python included."""
    command: str
    """The command line, ready to paste."""
    environment: Json = field(default_factory=dict)
    """Threads, processor, accelerator, memory budget, environment switches that matter."""
    options: Json = field(default_factory=dict)
    """Options that change what a run means: strict, allow_remote_code, allow_pickle ..."""
    policy: Json = field(default_factory=dict)
    """What decides the verdict; see `reports.verdict.judge.Policy`."""
    schema: int = SCHEMA


@dataclass(frozen=True)
class Subject(Record):
    """One model under test, as its files describe it."""

    kind = "subject"
    name: str
    """Unique in the run; check records refer to it."""
    source: str
    """As the user named it: a directory, `org/name` or `builtin:NAME`."""
    revision: str | None = None
    fingerprint: str | None = None
    """`sha256:...` over names and contents of the files that matter; None when there was nothing to read."""
    architecture: str | None = None
    """Class name from `config.json`, None for a bare tokenizer."""
    parameters: int = 0
    """Number of stored parameters; 0 without weights."""
    files: dict[str, str] = field(default_factory=dict)
    """Path to the beginning of the sha256 of each file behind the fingerprint, so that a comparison can name them."""
    facts: Json = field(default_factory=dict)
    """model_type, tasks, dtype, bytes of weights, notes about how a built-in was made ..."""
    problems: list[Json] = field(default_factory=list)
    """What makes the subject unloadable, found without loading: file, summary, remedy."""
    accepted: dict[str, str] = field(default_factory=dict)
    """Check id to the reason for which its finding is accepted (from the manifest)."""
    required: list[str] = field(default_factory=list)
    """Capabilities that the subject must have, `name` or `name=value` (from the manifest)."""


@dataclass(frozen=True)
class Catalog(Record):
    """The checks of the run: id to what its docstring says (promise, why, fix, source)."""

    kind = "catalog"
    checks: dict[str, dict[str, str]]


@dataclass(frozen=True)
class Plan(Record):
    """What was going to run, so that a run cut short can say what is missing."""

    kind = "plan"
    checks: list[Json]
    """Each with check, subject, variant, parameters: the key of the check record to come."""
    deselected: int = 0
    """Checks that `-k`, `-m` or `--deselect` left out."""


@dataclass(frozen=True)
class Metric:
    """A number with a unit, a direction, a sample size and an uncertainty."""

    name: str
    value: float
    unit: str
    better: str
    """lower or higher."""
    samples: int
    interval: list[float] | None = None
    """95% confidence interval [low, high], None when it has none (an exact count)."""
    effect: float | None = None
    """Smallest relative change against a baseline that is worth a word; None for the usual 1%."""
    version: str = ""
    """Of the input that was measured: values over other versions are not compared."""
    compared: bool = True
    """False for what the machine decides from minute to minute (a time, a rate, memory that the operating system
    counts): it is kept and shown, but another run's is no regression. Ratios of interleaved rounds are compared."""


@dataclass(frozen=True)
class Check(Record):
    """One executed check: the outcome with its evidence, capabilities and metrics."""

    kind = "check"
    check: str
    """`suite/kebab-name`."""
    subject: str
    """Name of the subject record."""
    outcome: str
    """One of OUTCOMES."""
    variant: Json = field(default_factory=dict)
    """device, dtype, quantization, attention; empty for checks that load no weights."""
    parameters: Json = field(default_factory=dict)
    """Further axes of the check."""
    summary: str = ""
    """One sentence: the finding, the reason for unsupported, or the error."""
    evidence: Json = field(default_factory=dict)
    remedy: str = ""
    reproduce: str = ""
    """A command that runs this check again."""
    details: str = ""
    """Traceback of an error; empty otherwise."""
    duration: float = 0.0
    """Seconds, set-up and tear-down included."""
    capabilities: dict[str, Json] = field(default_factory=dict)
    """Name to {"value": ..., "evidence": ...}."""
    metrics: list[Json] = field(default_factory=list)
    """Each the fields of `Metric`."""
    sequences: dict[str, Json] = field(default_factory=dict)
    """Name to sets of integer sequences, packed; see `reports.records.sequences`."""
    series: list[Json] = field(default_factory=list)
    """Points for plots; see `reports.records.series`."""
    kept: dict[str, Json] = field(default_factory=dict)
    """Name to what was seen, to be compared with another run; see `reports.records.observations`."""

    @property
    def suite(self) -> str:
        return self.check.partition("/")[0]

    @property
    def key(self) -> str:
        return key(vars(self))


@dataclass(frozen=True)
class End(Record):
    """Present only when the run came to its end."""

    kind = "end"
    finished: str
    exitstatus: int


KINDS: dict[str, type[Record]] = {cls.kind: cls for cls in (Run, Subject, Catalog, Plan, Check, End)}


def key(data: Mapping[str, Any]) -> str:
    """What a check record is compared by: check id, subject, variant and parameters; never a pytest node id."""
    parts = {name: data.get(name) or {} for name in ("check", "subject", "variant", "parameters")}
    check, subject = parts["check"], parts["subject"]
    if parts["variant"] or parts["parameters"] or type(check) is not str or type(subject) is not str:
        return plain.dumps(parts, sort=True)
    # the same text, written directly: thousands of subjects have a dozen checks each
    return f'{{"check": {json.dumps(check)}, "parameters": {{}}, "subject": {json.dumps(subject)}, "variant": {{}}}}'


class Writer:
    """Appends records to a file, one flushed line each."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", encoding="utf-8")

    def write(self, record: Record) -> None:
        self.write_line(record.line())

    def write_line(self, line: str) -> None:
        """A record as `Record.line` has it."""
        self._file.write(line + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def read(path: Path, clean: Callable[[str, Any], Any] = lambda line, data: data) -> Iterator[Record]:
    """The records of a file; a last line that was cut by a kill is dropped.

    `clean` gets each line and what it says, and returns what may be shown of it.
    """
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            try:
                data = plain.loads(line)
            except ValueError as problem:
                if not isinstance(problem, json.JSONDecodeError):
                    raise ValueError(f"{path}, line {number}: {problem}") from None
                if line.endswith("\n"):
                    raise ValueError(f"{path}, line {number}: not a JSON record") from None
                return
            record = parse(clean(line, data), where=f"{path}, line {number}")
            yield _with_current_names(record) if isinstance(record, Check) else record


def _with_current_names(check: Check) -> Check:
    facts, metrics = renamed.facts(check.capabilities), renamed.metrics(check.metrics)
    return dataclasses.replace(check, capabilities=facts, metrics=metrics)


def parse(data: Any, *, where: str) -> Record:
    """A record from its JSON object; newer schemas, unknown kinds and missing fields are refused by name."""
    kind = data.get("kind") if isinstance(data, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"{where}: unknown record kind {kind!r}")
    if kind == "run" and data.get("schema") != SCHEMA:
        raise ValueError(f"{where}: schema {data.get('schema')!r}, this version reads {SCHEMA}")
    if kind == "check" and data.get("outcome") not in OUTCOMES:
        raise ValueError(f"{where}: unknown outcome {data.get('outcome')!r}")
    try:
        record = KINDS[kind].from_json(data)
    except TypeError as problem:
        raise ValueError(f"{where}: incomplete {kind} record ({problem})") from None
    if wrong := validation.mistake(record):
        raise ValueError(f"{where}: this {kind} record was not written by seatrial: {wrong}")
    return record


@dataclass
class Trial:
    """All records of one run, sorted by kind: what verdict, baseline and report work on."""

    run: Run
    subjects: list[Subject] = field(default_factory=list)
    catalog: dict[str, dict[str, str]] = field(default_factory=dict)
    plan: list[Json] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    end: End | None = None
    deselected: int = 0

    @classmethod
    def gather(cls, records: Iterable[Record]) -> Trial:
        stream = iter(records)
        first = next(stream, None)
        if not isinstance(first, Run):
            raise ValueError("no run record: the file is empty or not a seatrial record file")
        trial = cls(first)
        for record in stream:
            trial.add(record)
        trial._refuse_strangers()
        return trial

    def _refuse_strangers(self) -> None:
        """Checks of subjects that no record describes."""
        known = {subject.name for subject in self.subjects}
        for check in self.checks:
            if check.subject not in known:
                raise ValueError(
                    f"a record of {check.check} is of {check.subject[:60]!r}, which no subject record describes"
                )

    def add(self, record: Record) -> None:
        match record:
            case Subject():
                self.subjects.append(record)
            case Catalog():
                self.catalog.update(record.checks)
            case Plan():
                self.plan.extend(record.checks)
                self.deselected += record.deselected
            case Check():
                self.checks.append(record)
            case End():
                self.end = record

    def checks_of(self, subject: str) -> list[Check]:
        return [check for check in self.checks if check.subject == subject]

    def missing(self) -> list[Json]:
        """Planned checks without a record: the run was cut short, or a worker died."""
        done = {check.key for check in self.checks}
        return [planned for planned in self.plan if key(planned) not in done]

    def subject(self, name: str) -> Subject:
        return next(subject for subject in self.subjects if subject.name == name)
