"""The ids that a forked child process gives."""

from __future__ import annotations

import json
import os
import select
import signal
import warnings
from collections.abc import Callable
from typing import Any

TIMEOUT = 20.0
"""Seconds after which a child counts as hanging."""


def run_in_fork(work: Callable[[], Any]) -> Any:
    """The JSON value that `work` gives in a forked child, or `{"error": ...}`.

    The child's output is thrown away; it is killed when it does not answer in time (`TimeoutError`).
    """
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that other threads run: whether this hangs is the question
        child = os.fork()
    if child == 0:
        _run_child(writer, work)
    os.close(writer)
    try:
        return json.loads(_read(reader))
    finally:
        os.close(reader)
        os.kill(child, signal.SIGKILL)  # it has answered, or never will
        os.waitpid(child, 0)


def _run_child(writer: int, work: Callable[[], Any]) -> None:
    """Runs in the child, which must never return into the tests."""
    try:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 1)
        os.dup2(null, 2)
        try:
            answer = work()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # also a panic of the library
            answer = {"error": f"{type(error).__name__}: {error}"}
        os.write(writer, json.dumps(answer).encode())
    finally:
        os._exit(0)


def _read(reader: int) -> bytes:
    """All that the child writes until it closes the pipe; '{"error": ...}' when that is nothing."""
    found = b""
    while select.select([reader], [], [], TIMEOUT)[0]:
        piece = os.read(reader, 1 << 16)
        if not piece:
            return found or b'{"error": "the process died"}'
        found += piece
    raise TimeoutError(f"no answer after {TIMEOUT:.0f} s")
