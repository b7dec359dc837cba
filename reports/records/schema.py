"""The versioned schema of records: one JSON line per record.

Kinds, in the order in which a run writes them: `run`, `subject` (one per subject), `catalog`, `plan`,
`check` (one per executed check), `end`. A killed run lacks `end` and its last line may be cut.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Self

from reports.records import renamed, to_json, validation
from reports.records.outcomes import OUTCOMES
from reports.records.to_json import Json

SCHEMA = 2
READABLE = (1, SCHEMA)
"""Schemas that this version reads. Findings of schema 1 have `remedy` for `fix`, and name no uses."""


class Record:
    """Common behaviour of the record dataclasses."""

    kind: ClassVar[str]

    def to_json(self) -> Json:
        """The fields under their names in files; shallow, since evidence may hold values that cannot be copied."""
        return {"kind": self.kind} | {name: getattr(self, field) for name, field in _names(type(self)).items()}  # type: ignore[arg-type]

    def line(self) -> str:
        """The record as a line of the file, without the line end."""
        return to_json.dumps(self.to_json())

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{field: data[name] for name, field in _names(cls).items() if name in data})  # type: ignore[arg-type]


@cache
def _names(kind: type[Record]) -> dict[str, str]:
    """Names of the fields in files, and in code."""
    return {validation.json_name(each): each.name for each in dataclasses.fields(kind)}  # type: ignore[arg-type]


@dataclass(frozen=True)
class Run(Record):
    """The options of a run and its environment."""

    kind = "run"
    started: str
    """ISO 8601, UTC."""
    profile: str
    """quick, standard or exhaustive."""
    seed: int
    """Of everything random in the run: texts, sampling, Hypothesis."""
    device: str
    """The device that `--device` resolved to: cpu, cuda:0, mps ..."""
    versions: dict[str, str]
    """Library name to version, Python included."""
    command: str
    """The command line, to be pasted."""
    environment: Json = field(default_factory=dict)
    """Threads, processor, accelerator, memory budget, environment switches that matter."""
    options: Json = field(default_factory=dict)
    """Options that change what a run means: strict, allow_remote_code, allow_pickle ..."""
    policy: Json = field(default_factory=dict)
    """See `reports.records.policy.Policy`."""
    selection: str | None = None
    """The arguments that make the run a part of the trial: paths, `-k`, `-m` ...; None for a whole one."""
    schema: int = SCHEMA
    """Version of this format; records of another one are refused."""


@dataclass(frozen=True)
class Subject(Record):
    """One model under test, as its files describe it."""

    kind = "subject"
    name: str
    """Unique in the run; check records refer to it."""
    source: str
    """As the user named it: a directory, `org/name` or `builtin:NAME`."""
    revision: str | None = None
    """Commit on the Hub; None for a directory or a built-in."""
    fingerprint: str | None = None
    """`sha256:...` over names and contents of the files that matter; None if there are none."""
    architecture: str | None = None
    """Class name from `config.json`, None for a bare tokenizer."""
    parameters: int = 0
    """Number of stored parameters; 0 without weights."""
    files: dict[str, str] = field(default_factory=dict)
    """Path to the beginning of the sha256 of each file that the fingerprint covers; a comparison names them."""
    facts: Json = field(default_factory=dict)
    """model_type, tasks, dtype, bytes of weights, notes on the making of a built-in ..."""
    problems: list[Json] = field(default_factory=list)
    """Problems that keep the subject from loading, found in its files: file, summary, fix."""
    accepted: dict[str, str] = field(default_factory=dict)
    """Check id to the reason for accepting its finding (from `--accept` or the manifest)."""
    accepted_until: dict[str, str] = field(default_factory=dict)
    """Check id to the last day on which its acceptance counts, as `2027-01-31`; ids without one are missing."""
    accepted_evidence: dict[str, str] = field(default_factory=dict)
    """Check id to the digest of the one finding that is accepted; ids without one are missing."""
    core: list[str] = field(default_factory=list)
    """Uses that decide its verdict because of what it is."""
    uses: list[str] = field(default_factory=list)
    """Uses that decide its verdict because the manifest or `--use` asks for them."""
    required: list[str] = field(default_factory=list)
    """Capabilities that the subject must have, `name` or `name=value` (from the manifest)."""


@dataclass(frozen=True)
class Catalog(Record):
    """Documentation of the checks by id: promise, why, fix and source of the docstring."""

    kind = "catalog"
    checks: dict[str, dict[str, str]]
    """Check id to {"promise", "why", "fix", "source"}."""


@dataclass(frozen=True)
class Plan(Record):
    """The checks to come, so that a run that was cut short can list the missing ones."""

    kind = "plan"
    checks: list[Json]
    """Each with check, subject, variant, parameters (the key of the check record to come), uses and worst finding."""
    deselected: int = 0
    """Number of checks that `-k`, `-m` or `--deselect` left out."""
    left_out: list[Json] = field(default_factory=list)
    """Checks that were not generated: {"what": the need that is not met, "checks": ids, "subjects": names} each."""


@dataclass(frozen=True)
class Metric:
    """A number with a unit, a direction, a sample size and an uncertainty."""

    name: str
    """`suite.snake_case`."""
    value: float
    unit: str
    """Such as nats/token, ratio, bytes."""
    better: str
    """lower or higher."""
    samples: int
    """How many measurements the value is of."""
    interval: list[float] | None = None
    """95% confidence interval [low, high]; None for an exact count."""
    effect: float | None = None
    """Smallest relative change against a baseline that is reported; None for the usual 1%."""
    version: str = ""
    """Of the input that was measured: values over other versions are not compared."""
    compared: bool = True
    """False for values that differ from run to run on one machine (a time, a rate, memory that the operating system
    counts): they are shown, and never a regression. Ratios of interleaved rounds are compared."""


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
    """What shows the finding: names, numbers, texts."""
    fix: str = ""
    """What to do about the finding."""
    uses: list[str] = field(default_factory=list)
    """The uses that the check is evidence for."""
    affects: list[str] = field(default_factory=list)
    """Of a finding: the uses that it affects."""
    about: str = "subject"
    """`library` where the installed library does this to healthy subjects too."""
    others: list[Json] = field(default_factory=list)
    """Further findings: outcome, summary, evidence, fix, affects and about of each."""
    cause: str = ""
    """Of unsupported: one of `outcomes.CAUSES`."""
    settled_by: str = ""
    """Of unsupported: the option, command or check id that settles it."""
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
    """See `reports.records.sequences`; by name."""
    series: list[Json] = field(default_factory=list)
    """See `reports.records.series`."""
    observations: dict[str, Json] = field(default_factory=dict, metadata={"json": "kept"})
    """See `reports.records.observations`; by name."""

    @property
    def suite(self) -> str:
        return self.check.partition("/")[0]

    @property
    def key(self) -> str:
        return key(vars(self))


@dataclass(frozen=True)
class End(Record):
    """Written at the end of a run; missing if the run was killed."""

    kind = "end"
    finished: str
    """ISO 8601, UTC."""
    exitstatus: int
    """Of pytest: see the page about the verdict."""
    stopped_by: str = ""
    """`-x` or `--maxfail=N` if that ended the run before its last check."""


KINDS: dict[str, type[Record]] = {cls.kind: cls for cls in (Run, Subject, Catalog, Plan, Check, End)}


def key(data: Mapping[str, Any]) -> str:
    """The key of a check record: check id, subject, variant and parameters; never a pytest node id."""
    parts = {name: data.get(name) or {} for name in ("check", "subject", "variant", "parameters")}
    check, subject = parts["check"], parts["subject"]
    if parts["variant"] or parts["parameters"] or type(check) is not str or type(subject) is not str:
        return to_json.dumps(parts, sort=True)
    # the same text, written directly: faster for thousands of subjects with a dozen checks each
    return f'{{"check": {json.dumps(check)}, "parameters": {{}}, "subject": {json.dumps(subject)}, "variant": {{}}}}'


class Writer:
    """Appends records to a file, one flushed line each."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", encoding="utf-8")

    def write(self, record: Record) -> None:
        self.write_line(record.line())

    def write_line(self, line: str) -> None:
        """Writes the line of a record, as `Record.line` returns it."""
        self._file.write(line + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def read(path: Path, clean: Callable[[str, Any], Any] = lambda line, data: data) -> Iterator[Record]:
    """Yields the records of a file; drops a last line that was cut by a kill.

    Args:
        clean: gets each line and its value, and returns the redacted value.
    """
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            try:
                data = to_json.loads(line)
            except ValueError as error:
                if not isinstance(error, json.JSONDecodeError):
                    raise ValueError(f"{path}, line {number}: {error}") from None
                if line.endswith("\n"):
                    raise ValueError(f"{path}, line {number}: not a JSON record") from None
                return
            record = parse(clean(line, data), where=f"{path}, line {number}")
            yield _with_current_names(record) if isinstance(record, Check) else record


def _with_current_names(check: Check) -> Check:
    facts, metrics = renamed.facts(check.capabilities), renamed.metrics(check.metrics)
    return dataclasses.replace(check, capabilities=facts, metrics=metrics)


def parse(data: Any, *, where: str) -> Record:
    """Returns the record of a JSON object; refuses newer schemas, unknown kinds, and missing or wrong fields."""
    kind = data.get("kind") if isinstance(data, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"{where}: unknown record kind {kind!r}")
    if kind == "run" and data.get("schema") not in READABLE:
        raise ValueError(f"{where}: schema {data.get('schema')!r}, this version reads {SCHEMA}")
    if kind == "check" and data.get("outcome") not in tuple(OUTCOMES):
        raise ValueError(f"{where}: unknown outcome {data.get('outcome')!r}")
    if "remedy" in data:
        data = {"fix": data["remedy"], **data}
    try:
        record = KINDS[kind].from_json(data)
    except TypeError as error:
        raise ValueError(f"{where}: incomplete {kind} record ({error})") from None
    if problem := validation.problem_in(record):
        raise ValueError(f"{where}: this {kind} record was not written by seatrial: {problem}")
    return record
