"""Work in a forked child process, with a time limit."""

from __future__ import annotations

import json
import os
import select
import signal
import warnings
from collections.abc import Callable
from typing import Any

TIMEOUT = 20.0
"""Seconds after which a child is considered to hang."""


def run_in_fork(work: Callable[[], Any]) -> Any:
    """The JSON value that `work` returns in a forked child, or `{"error": ...}`.

    The child's output is discarded. `TimeoutError` if it does not answer in time; it is then killed.
    """
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about other threads: whether the fork hangs is what is tested
        child = os.fork()
    if child == 0:
        _run_child(writer, work)
    os.close(writer)
    try:
        return json.loads(_read(reader))
    finally:
        os.close(reader)
        os.kill(child, signal.SIGKILL)
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
    """Everything that the child writes until it closes the pipe; `{"error": ...}` if it writes nothing."""
    content = b""
    while select.select([reader], [], [], TIMEOUT)[0]:
        piece = os.read(reader, 1 << 16)
        if not piece:
            return content or b'{"error": "the process died"}'
        content += piece
    raise TimeoutError(f"no answer after {TIMEOUT:.0f} s")
