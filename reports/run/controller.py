"""Hooks of the process that gets all reports: xdist's controller, or the only process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator, Mapping
from types import MappingProxyType
from typing import Any, NoReturn

import pytest

from reports.output import github, terminal
from reports.records.to_json import Json
from reports.redaction import redact
from reports.run.logbook import Logbook

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Controller:
    """Feeds the logbook, shows progress, and prints the summary at the end."""

    def __init__(self, config: pytest.Config, logbook: Logbook):
        self.logbook = logbook
        self._terminal: Any = config.pluginmanager.get_plugin("terminalreporter")
        self._verbose = config.get_verbosity() != 0
        self._headings: dict[str, str] = {}
        """Subject, variant and suite of each check, as the terminal shows them."""
        self._heading = ""
        self._interrupted = False
        self._shows_durations = config.getoption("durations", None) is not None
        self._handle_signals()

    def plan(self, descriptions: list[dict[str, Any]], left_out: list[Json], deselected: int) -> None:
        """Takes the checks to come, in the process that will run them."""
        self.logbook.plan(descriptions, left_out, deselected)
        self._headings = {each["nodeid"]: each["heading"] for each in descriptions}
        if self._headings and self._terminal and not self._verbose:
            self._terminal.showfspath = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: Any) -> None:
        """Shows when another subject or suite begins."""
        heading = self._headings.get(str(nodeid), self._heading)
        if heading != self._heading and self._terminal and not self._verbose:
            self._heading = heading
            self._terminal.line("")
            self._terminal.write(f"{heading} ")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None]:
        self.logbook.take(report)
        yield
        if hasattr(report, "seatrial") or report.outcome == "passed":
            self._free(report)

    def _free(self, report: pytest.TestReport) -> None:
        """Frees what all plugins have read: the terminal keeps three reports of every check until the end."""
        vars(report).pop("seatrial", None)
        report.keywords, report.user_properties = NOTHING, []
        if self._terminal and not self._shows_durations:
            self._terminal.stats.get("", []).clear()  # set-ups and tear-downs, which only --durations reads

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        """Takes the plan of an xdist worker, unless it crashed."""
        output = getattr(node, "workeroutput", {})
        plan, left_out = output.get("seatrial_plan", []), output.get("seatrial_left_out", [])
        self.logbook.plan(plan, left_out, output.get("seatrial_deselected", 0))

    def pytest_runtest_logfinish(self) -> None:
        """Stops the run if a library swallowed the interrupt: a bare `except` around an import, a finalizer."""
        if self._interrupted:
            raise KeyboardInterrupt("asked to stop")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        session.exitstatus = self.logbook.finish(int(exitstatus))

    def _handle_signals(self) -> None:
        """SIGTERM, which a CI system sends when it cancels a job, ends the run like Ctrl-C: with its report."""

        def interrupt(number: int, frame: Any) -> NoReturn:
            self._interrupted = True
            raise KeyboardInterrupt("asked to stop")

        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, interrupt)
            signal.signal(signal.SIGINT, interrupt)

    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> None:
        records = self.logbook.records
        if config.option.why:
            for text, style in terminal.left_out(records.left_out, {subject.name for subject in records.subjects}):
                terminalreporter.write_line(text, **style)
        for text, style in terminal.lines(records, self.logbook.verdict, self.logbook.directory):
            terminalreporter.write_line(text, **style)
        for remark in self.logbook.remarks:
            terminalreporter.write_line(remark)
        self._annotate(terminalreporter)

    def _annotate(self, terminalreporter: Any) -> None:
        """Writes annotations to the stream behind the redacted one, which lets no commands through."""
        stream = getattr(terminalreporter._tw._file, "stream", None)
        if github.in_actions() and stream is not None:
            for line in github.annotation_lines(self.logbook.verdict):
                stream.write(f"{redact.redacted(line)}\n")
