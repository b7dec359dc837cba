"""Hooks that make sense only where reports arrive: in the controller, or in the one process there is."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator, Mapping
from types import MappingProxyType
from typing import Any, NoReturn

import pytest

from reports.output import github, terminal
from reports.redaction import redact
from reports.run.logbook import Logbook

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Controller:
    """Feeds the logbook, shows where the run is, and at the end what the logbook says."""

    def __init__(self, config: pytest.Config, logbook: Logbook):
        self.logbook = logbook
        self._terminal: Any = config.pluginmanager.get_plugin("terminalreporter")
        self._verbose = config.get_verbosity() != 0
        self._places: dict[str, str] = {}
        self._place = ""
        self._asked_to_stop = False
        self._wants_durations = config.getoption("durations", None) is not None
        self._end_in_order()

    def plan(self, descriptions: list[dict[str, Any]]) -> None:
        """Takes the checks to come, in the process that will run them."""
        self.logbook.plan(descriptions)
        self._places = {each["nodeid"]: each["place"] for each in descriptions}
        if self._places and self._terminal and not self._verbose:
            self._terminal.showfspath = False

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        self.logbook.deselected += len(items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: Any) -> None:
        """Says once that another subject or suite begins."""
        place = self._places.get(str(nodeid), self._place)
        if place != self._place and self._terminal and not self._verbose:
            self._place = place
            self._terminal.line("")
            self._terminal.write(f"{place} ")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None]:
        self.logbook.take(report)
        yield
        if hasattr(report, "seatrial") or report.outcome == "passed":
            self._forget(report)

    def _forget(self, report: pytest.TestReport) -> None:
        """Lets go of what everybody has read: the terminal keeps three reports of every check until the end."""
        vars(report).pop("seatrial", None)
        report.keywords, report.user_properties = NOTHING, []
        if self._terminal and not self._wants_durations:
            self._terminal.stats.get("", []).clear()  # set-ups and tear-downs, which only --durations reads

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        """xdist: a worker is gone, and left its plan if it ended in order."""
        self.logbook.plan(getattr(node, "workeroutput", {}).get("seatrial_plan", []))

    def pytest_runtest_logfinish(self) -> None:
        """Stops also where a library swallowed the interrupt: an import guarded by a bare `except`, a finalizer."""
        if self._asked_to_stop:
            raise KeyboardInterrupt("asked to stop")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        session.exitstatus = self.logbook.finish(int(exitstatus))

    def _end_in_order(self) -> None:
        """SIGTERM, which a CI system sends when it cancels a job, ends the run like Ctrl-C: with its report."""

        def interrupt(number: int, frame: Any) -> NoReturn:
            self._asked_to_stop = True
            raise KeyboardInterrupt("asked to stop")

        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, interrupt)
            signal.signal(signal.SIGINT, interrupt)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for text, style in terminal.lines(self.logbook.trial, self.logbook.verdict, self.logbook.directory):
            terminalreporter.write_line(text, **style)
        for remark in self.logbook.remarks:
            terminalreporter.write_line(remark)
        self._annotate(terminalreporter)

    def _annotate(self, terminalreporter: Any) -> None:
        """To the stream behind the screen, which lets no commands through."""
        stream = getattr(terminalreporter._tw._file, "stream", None)
        if github.here() and stream is not None:
            for line in github.annotated(self.logbook.verdict):
                stream.write(f"{redact.hide(line)}\n")
