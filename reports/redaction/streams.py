"""Streams that redact secrets: in front of the terminal, log files and standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, redirect_stdout
from typing import Any

from reports.output import github
from reports.redaction.redact import read_environment, redacted


def redact_terminal(config: Any) -> None:
    """Redacts the terminal of a pytest run, and with `-s` standard output and standard error."""
    read_environment()
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter._tw._file = RedactedStream(reporter._tw._file)
    if config.option.capture == "no":
        streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = map(RedactedStream, streams)
        config.add_cleanup(lambda: vars(sys).update(stdout=streams[0], stderr=streams[1]))


def redact_log_file(config: Any) -> None:
    """Redacts the file of `log_file`, in each process that writes one."""
    handler = getattr(config.pluginmanager.get_plugin("logging-plugin"), "log_file_handler", None)
    if handler is not None and getattr(handler, "stream", None) is not None:
        handler.setStream(RedactedLog(handler.stream))


def redacted_stdout() -> AbstractContextManager[Any]:
    """Redacts standard output inside a `with` statement."""
    read_environment()
    return redirect_stdout(RedactedStream(sys.stdout))


class RedactedStream:
    """A text stream that redacts each text that is written to it.

    In GitHub Actions it also keeps lines from being commands of the runner.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self._shown: Callable[[str], str] = github.without_commands if github.in_actions() else str

    def write(self, text: str) -> Any:
        return self.stream.write(self._shown(redacted(str(text))))

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class RedactedLog(RedactedStream):
    """A redacted stream that reads the environment at every line: a check may have set a secret before it logs."""

    def write(self, text: str) -> Any:
        read_environment()
        return super().write(text)
