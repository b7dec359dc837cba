"""The logbook of a run, in the controlling process: writes records as they come, and reports at the end."""

from __future__ import annotations

import json
import math
import os
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reports.baseline import file as baseline_file
from reports.baseline import kinds
from reports.directory import report_directory
from reports.output import github, markdown
from reports.records import schema
from reports.records.run_records import RunRecords
from reports.records.to_json import Json
from reports.redaction import redact
from reports.run.observer import KEY_FIELDS, is_strict
from reports.verdict.findings import LOADS
from reports.verdict.judge import exit_code

REFRESH_SECONDS = 10
"""Shortest time between two reports of an unfinished run."""
RECORD_SECONDS = 2e-4
"""Rough time that a report takes for each check of the run."""


class Logbook:
    """The records of one run, in memory and on disk."""

    def __init__(self, config: pytest.Config, description: dict[str, Any], policy: Json):
        option = config.option
        subjects = [redact.redacted_record(schema.Subject.from_json(subject)) for subject in description["subjects"]]
        self.directory = directory_of(option.report_dir, [subject.name for subject in subjects])
        self._writer = open_writer(self.directory)
        options = description["run"].get("options", {}) | {"strict": is_strict(config)}
        options |= {"use": [use for uses in option.use for use in uses]} if option.use else {}
        options |= {"baseline": str(option.baseline)} if option.baseline else {}
        run = {"started": now(), **description["run"], "options": options, "policy": policy}
        self.records = RunRecords(redact.redacted_record(schema.Run.from_json(run)))
        self.baseline = load_baseline(option.baseline)
        self.compared_with: Path | None = option.baseline
        self.allow_mismatch = bool(option.allow_mismatch)
        self.save_to = baseline_target(option.save_baseline)
        self.regressions: list[Json] = []
        self.verdict: Json = {}
        self.remarks: list[str] = []
        """Lines for the end of the terminal output."""
        self.other_tests_failed = False
        self._crashed: dict[str, str] = {}
        self._problems: list[tuple[Json, Json]] = []
        self._refreshed = -math.inf
        self._maxfail, self._failed = int(getattr(option, "maxfail", 0) or 0), 0
        self._write(self.records.run)
        for subject in subjects:
            self._write(subject)
            self._problems += [({"subject": subject.name}, problem) for problem in subject.problems]
        self._refresh()

    def _refresh(self) -> None:
        """Now and then writes a report of the unfinished run, in case it is killed; this takes about 1% of the time."""
        now = time.monotonic()
        if now >= self._refreshed + max(REFRESH_SECONDS, 100 * RECORD_SECONDS * len(self.records.checks)):
            self._report_so_far()
            self._refreshed = now

    def _report_so_far(self) -> None:
        """Writes the report; an exception must not end a run of hours, since the end of the run writes it again."""
        try:
            self.verdict = report_directory.write(self.directory, self.records)
        except OSError:
            raise
        except Exception as error:
            remark = f"The report could not be written during the run ({type(error).__name__}: {error})."
            self.remarks = list(dict.fromkeys([*self.remarks, remark]))

    def _write(self, record: schema.Record, line: str | None = None) -> None:
        """Adds a record, with its line if that is known."""
        record, line = redact.redacted_with_line(record, line)  # again: with xdist the worker's environment was used
        self._writer.write_line(line)
        if isinstance(record, schema.Check) and self.baseline is None and not self.save_to:
            # only baselines need them, and of a chat template they are half of the memory
            record = replace(record, observations={}, sequences={})
        if not isinstance(record, schema.Run):
            self.records.add(record)

    def plan(self, descriptions: list[dict[str, Any]], left_out: list[Json] | None = None, deselected: int = 0) -> None:
        """Adds the checks to come and their documentation, and once the checks that were not generated."""
        catalog = {each["check"]: each["documentation"] for each in descriptions}
        new = {check: text for check, text in catalog.items() if check not in self.records.catalog}
        if new:
            self._write(schema.Catalog(new))
        planned = {schema.key(entry) for entry in self.records.plan}
        entries = [{name: each[name] for name in (*KEY_FIELDS, "nodeid", "uses", "worst")} for each in descriptions]
        entries = [entry for entry in entries if schema.key(entry) not in planned]
        # every xdist worker sends the same
        left_out = [] if self.records.left_out else left_out or []
        deselected = 0 if self.records.deselected else deselected
        if entries or left_out or deselected:
            self._write(schema.Plan(entries, deselected, left_out))

    def take(self, report: pytest.TestReport) -> None:
        """Adds the record of a check's report, or notes the failure of a test that is no check."""
        self._failed += report.failed
        carried = getattr(report, "seatrial", None)
        if carried is None:
            self.other_tests_failed |= report.failed and not hasattr(report, "seatrial_outcome")
            if report.failed and str(report.when) == "???":  # from xdist: the worker died
                self._crashed[redact.redacted(str(report.nodeid))] = str(report.longrepr)
            return
        line, problem = carried
        record = json.loads(line)
        if problem != "null":
            self._problems.append((record, json.loads(problem)))
        self._write(schema.Check.from_json(record), line)
        self._refresh()

    def _add_unloadable(self) -> None:
        """Adds a result of `integrity/loads` for each subject that cannot be loaded, even if that check did not run."""
        for record, problem in self._problems:
            loads = (check for check in self.records.checks_of(record["subject"]) if check.check == LOADS)
            if problem["summary"] not in {check.summary for check in loads}:
                self._write(schema.Check.from_json(unloadable(record | {"variant": {}, "parameters": {}}, problem)))

    def _add_crashed(self) -> None:
        """Adds an error for each check whose worker process died, if the plan names it."""
        for planned in self.records.missing():
            if message := self._crashed.get(planned.get("nodeid", "")):
                fields = {name: planned[name] for name in KEY_FIELDS}
                self._write(schema.Check(**fields, outcome="error", summary="the process crashed", details=message))

    def finish(self, exitstatus: int) -> int:
        """Writes everything and returns the exit status."""
        self._add_crashed()
        self._add_unloadable()
        stopped_by = self._stopped_by()
        if stopped_by and exitstatus == pytest.ExitCode.INTERRUPTED:  # so xdist ends it
            exitstatus = int(pytest.ExitCode.TESTS_FAILED)
        self._write(schema.End(now(), exitstatus, stopped_by))
        self._writer.close()
        if self.baseline is not None:
            self.regressions = baseline_file.compare(self.baseline, self.records, allow=self.allow_mismatch)
            worse = kinds.worse(self.regressions)
            result = f"for the worse: {kinds.counted(worse)}" if worse else "nothing became worse"
            self.remarks.append(f"Compared with {self.compared_with}, {len(self.baseline['checks'])} checks: {result}.")
        self.verdict = report_directory.write(self.directory, self.records, self.regressions)
        github.summarize(markdown.render(self.verdict))
        self._save_baseline(exitstatus)
        return self._exit_status(exitstatus)

    def _stopped_by(self) -> str:
        """The option by which failures ended the run before its last check; empty if none did."""
        if not self._maxfail or self._failed < self._maxfail or not self.records.missing():
            return ""
        return "-x" if self._maxfail == 1 else f"--maxfail={self._maxfail}"

    def _save_baseline(self, exitstatus: int) -> None:
        """Saves complete runs only."""
        complete = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and not self.records.missing()
        if self.save_to and complete and self.records.checks:
            baseline_file.save(self.records, self.save_to)
            self.remarks.append(f"Baseline saved: {self.save_to}")
        elif self.save_to:
            self.remarks.append(f"No baseline was saved to {self.save_to}: the run was cut short, or nothing ran.")

    def _exit_status(self, exitstatus: int) -> int:
        failed = bool(exit_code(self.verdict) or kinds.worse(self.regressions) or self.other_tests_failed)
        if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return int(failed)
        return exitstatus if exitstatus != pytest.ExitCode.NO_TESTS_COLLECTED else 1


def unloadable(record: Json, problem: Json) -> Json:
    """The record of a check that met a problem of its subject, turned into a result of `integrity/loads`."""
    found = {"check": LOADS, "outcome": "defect", "summary": problem["summary"], "fix": problem["fix"]}
    found |= {name: problem[name] for name in ("outcome", "cause", "settled_by") if problem.get(name)}
    return record | found | {"evidence": problem.get("evidence") or {"file": problem.get("file", "")}}


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def directory_of(asked: Path | None, names: list[str]) -> Path:
    """The directory of `--report-dir`, else a new one named after time and subject."""
    if asked:
        return asked
    subject = re.sub(r"[^\w.-]+", "-", names[0]) if len(names) == 1 else f"{len(names)}-subjects"
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    return Path("reports", "runs", f"{stamp}-{subject}-{os.getpid()}")


def open_writer(directory: Path) -> schema.Writer:
    try:
        return schema.Writer(directory / report_directory.RECORDS)
    except OSError as error:
        message = f"--report-dir {directory}: cannot be written: {error.strerror}. Name a directory that can."
        raise pytest.UsageError(message) from error


def load_baseline(path: Path | None) -> Any:
    try:
        content = baseline_file.load(path) if path else None
    except OSError as error:
        raise pytest.UsageError(f"--baseline {path}: cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise pytest.UsageError(f"--baseline {path}: {error}") from error
    if content is not None and not content["checks"]:
        raise pytest.UsageError(f"--baseline {path}: holds no checks; save it again from a run that tested something.")
    return content


def baseline_target(path: Path | None) -> Path | None:
    """The path of `--save-baseline`; a path that cannot be written is refused before the run."""
    if path is None:
        return None
    try:
        path.absolute().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise pytest.UsageError(f"--save-baseline {path}: cannot be written: {error.strerror}.") from error
    if path.is_dir() or not os.access(path.absolute().parent, os.W_OK):
        raise pytest.UsageError(f"--save-baseline {path}: name a file in a directory that can be written.")
    return path
