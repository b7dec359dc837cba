"""Streams that hide secrets in what goes through them: before the terminal, log files and standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, redirect_stdout
from typing import Any

from reports.output import github
from reports.redaction.redact import hide, notice


def screen(config: Any) -> None:
    """Puts a `Screen` before the terminal of a pytest run, and before what checks print where nothing is captured."""
    notice()
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter._tw._file = Screen(reporter._tw._file)
    if config.option.capture == "no":
        streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = map(Screen, streams)
        config.add_cleanup(lambda: vars(sys).update(stdout=streams[0], stderr=streams[1]))


def screen_log(config: Any) -> None:
    """Puts a `Screen` before the file of `log_file`, in each process that writes one."""
    handler = getattr(config.pluginmanager.get_plugin("logging-plugin"), "log_file_handler", None)
    if handler is not None and getattr(handler, "stream", None) is not None:
        handler.setStream(LogScreen(handler.stream))


def screened() -> AbstractContextManager[Any]:
    """Standard output with a `Screen` before it."""
    notice()
    return redirect_stdout(Screen(sys.stdout))


class Screen:
    """A text stream that hides what goes through it, a line or a part of one at a time.

    In GitHub Actions it also keeps lines from being commands of the runner.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self._shown: Callable[[str], str] = github.defused if github.here() else str

    def write(self, text: str) -> Any:
        return self.stream.write(self._shown(hide(str(text))))

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class LogScreen(Screen):
    """A screen that reads the environment at every line: the check that logs may have set its secret just now."""

    def write(self, text: str) -> Any:
        notice()
        return super().write(text)
