"""On the controller: writes records as they come, and the report directory at the end."""

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

from reports.baseline import file
from reports.directory import report_directory as directory
from reports.output import github, markdown
from reports.records import schema
from reports.redaction import redact
from reports.run.observer import KEY_FIELDS, is_strict
from reports.verdict.findings import LOADS
from reports.verdict.judge import exit_code

REFRESH_SECONDS = 10
RECORD_SECONDS = 2e-4
"""What a report takes for each check of the run, roughly."""


class Logbook:
    """The records of one run, in memory and on disk."""

    def __init__(self, config: pytest.Config, description: dict[str, Any]):
        option = config.option
        subjects = [redact.clean(schema.Subject.from_json(subject)) for subject in description["subjects"]]
        self.directory = report_directory(option.report_dir, [subject.name for subject in subjects])
        self._writer = open_writer(self.directory)
        options = description["run"].get("options", {}) | {"strict": is_strict(config)}
        options |= {"baseline": str(option.baseline)} if option.baseline else {}
        run = redact.clean(schema.Run.from_json({"started": now(), **description["run"], "options": options}))
        self.trial = schema.Trial(run)
        self.baseline = load_baseline(option.baseline)
        self.compared_with: Path | None = option.baseline
        self.allow_mismatch = bool(option.allow_mismatch)
        self.save_to = baseline_target(option.save_baseline)
        self.regressions: list[dict[str, Any]] = []
        self.verdict: dict[str, Any] = {}
        self.remarks: list[str] = []
        """What the terminal says about baselines."""
        self.other_tests_failed = False
        self._crashed: dict[str, str] = {}
        self._problems: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self._refreshed = -math.inf
        self.deselected = 0
        self._write(run)
        for subject in subjects:
            self._write(subject)
            self._problems += [({"subject": subject.name}, problem) for problem in subject.problems]
        self._refresh()

    def _refresh(self) -> None:
        """A report of what is known so far, for the reader of a run that is killed; it takes about 1% of the time."""
        now = time.monotonic()
        if now >= self._refreshed + max(REFRESH_SECONDS, 100 * RECORD_SECONDS * len(self.trial.checks)):
            self._report_so_far()
            self._refreshed = now

    def _report_so_far(self) -> None:
        """What goes wrong here must not end a run of hours: the records are safe, and the end tries again."""
        try:
            self.verdict = directory.write(self.directory, self.trial)
        except OSError:
            raise
        except Exception as error:
            remark = f"The report could not be written during the run ({type(error).__name__}: {error})."
            self.remarks = list(dict.fromkeys([*self.remarks, remark]))

    def _write(self, record: schema.Record, line: str | None = None) -> None:
        """Takes a record, with its line where that is known."""
        record, line = redact.clean_with_line(record, line)
        self._writer.write_line(line)
        if isinstance(record, schema.Check) and self.baseline is None and not self.save_to:
            record = replace(record, kept={}, sequences={})  # in the file for later; of a template half of its memory
        if not isinstance(record, schema.Run):
            self.trial.add(record)

    def plan(self, descriptions: list[dict[str, Any]]) -> None:
        """The checks to come; also what their promises are."""
        catalog = {each["check"]: each["documentation"] for each in descriptions}
        new = {check: text for check, text in catalog.items() if check not in self.trial.catalog}
        if new:
            self._write(schema.Catalog(new))
        planned = {schema.key(entry) for entry in self.trial.plan}
        entries = [{name: each[name] for name in (*KEY_FIELDS, "nodeid")} for each in descriptions]
        entries = [entry for entry in entries if schema.key(entry) not in planned]
        if entries:
            self._write(schema.Plan(entries, self.deselected))
            self.deselected = 0

    def take(self, report: pytest.TestReport) -> None:
        """A report of pytest's: the record that it carries, or the failure of a test that is not a check."""
        carried = getattr(report, "seatrial", None)
        if carried is None:
            self.other_tests_failed |= report.failed and not hasattr(report, "seatrial_outcome")
            if report.failed and str(report.when) == "???":  # xdist, of a worker that died
                self._crashed[redact.hide(str(report.nodeid))] = str(report.longrepr)
            return
        line, problem = carried
        record = json.loads(line)
        if problem != "null":
            self._problems.append((record, json.loads(problem)))
        self._write(schema.Check.from_json(record), line)
        self._refresh()

    def _tell_problems(self) -> None:
        """A subject that cannot be loaded is a defect of `integrity/loads`, also where that check was not selected."""
        for record, problem in self._problems:
            told = (check for check in self.trial.checks_of(record["subject"]) if check.check == LOADS)
            if problem["summary"] not in {check.summary for check in told}:
                self._write(schema.Check.from_json(unloadable(record | {"variant": {}, "parameters": {}}, problem)))

    def crashed(self) -> None:
        """Checks whose worker process died become errors, if the plan says which they were."""
        for planned in self.trial.missing():
            if message := self._crashed.get(planned.get("nodeid", "")):
                fields = {name: planned[name] for name in KEY_FIELDS}
                self._write(schema.Check(**fields, outcome="error", summary="the process crashed", details=message))

    def finish(self, exitstatus: int) -> int:
        """Writes everything and returns the exit status that the verdict asks for."""
        self.crashed()
        self._tell_problems()
        self._write(schema.End(now(), exitstatus))
        self._writer.close()
        if self.baseline is not None:
            self.regressions = file.compare(self.baseline, self.trial, allow=self.allow_mismatch)
            worse = file.worse(self.regressions)
            told = f"for the worse: {file.counted(worse)}" if worse else "nothing became worse"
            self.remarks.append(f"Compared with {self.compared_with}, {len(self.baseline['checks'])} checks: {told}.")
        self.verdict = directory.write(self.directory, self.trial, self.regressions)
        github.summarize(markdown.render(self.verdict))
        self._save_baseline(exitstatus)
        return self._exit_status(exitstatus)

    def _save_baseline(self, exitstatus: int) -> None:
        """Only a whole run with results is worth comparing with."""
        whole = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and not self.trial.missing()
        if self.save_to and whole and self.trial.checks:
            file.save(self.trial, self.save_to)
            self.remarks.append(f"Baseline saved: {self.save_to}")
        elif self.save_to:
            self.remarks.append(f"No baseline was saved to {self.save_to}: the run was cut short, or nothing ran.")

    def _exit_status(self, exitstatus: int) -> int:
        worse = file.worse(self.regressions)
        bad = bool(exit_code(self.verdict) or worse or self.other_tests_failed)
        if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return int(bad)
        return exitstatus if exitstatus != pytest.ExitCode.NO_TESTS_COLLECTED else 1


def unloadable(record: dict[str, Any], problem: dict[str, Any]) -> dict[str, Any]:
    """The record of a check that met a subject's problem, as the defect of `integrity/loads` that it is."""
    told = {"check": LOADS, "outcome": "defect", "summary": problem["summary"], "remedy": problem["remedy"]}
    return record | told | {"evidence": problem.get("evidence") or {"file": problem.get("file", "")}}


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def report_directory(asked: Path | None, names: list[str]) -> Path:
    """The directory of `--report-dir`, else a new one named after time and subject."""
    if asked:
        return asked
    subject = re.sub(r"[^\w.-]+", "-", names[0]) if len(names) == 1 else f"{len(names)}-subjects"
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    return Path("reports", "runs", f"{stamp}-{subject}-{os.getpid()}")


def open_writer(target: Path) -> schema.Writer:
    try:
        return schema.Writer(target / directory.RECORDS)
    except OSError as error:
        message = f"--report-dir {target}: cannot be written: {error.strerror}. Name a directory that can."
        raise pytest.UsageError(message) from error


def load_baseline(path: Path | None) -> Any:
    try:
        found = file.load(path) if path else None
    except OSError as error:
        raise pytest.UsageError(f"--baseline {path}: cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise pytest.UsageError(f"--baseline {path}: {error}") from error
    if found is not None and not found["checks"]:
        raise pytest.UsageError(f"--baseline {path}: holds no checks; save it again from a run that tried something.")
    return found


def baseline_target(path: Path | None) -> Path | None:
    """The path of `--save-baseline`, if a file can be written there: told before the run, not after it."""
    if path is None:
        return None
    try:
        path.absolute().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise pytest.UsageError(f"--save-baseline {path}: cannot be written: {error.strerror}.") from error
    if path.is_dir() or not os.access(path.absolute().parent, os.W_OK):
        raise pytest.UsageError(f"--save-baseline {path}: name a file in a directory that can be written.")
    return path
