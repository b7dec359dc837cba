"""Exceptions of the library during a call that a check promises to work, in words for its finding."""

from __future__ import annotations

from suites.running import generate


def in_words(error: Exception, *, limit: int = 200) -> str:
    """Returns kind and message in one line; raises the error again if it has an outcome or the machine failed."""
    if hasattr(error, "outcome") or isinstance(error, MemoryError) or generate.machine_failed(error):
        raise error
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}"[:limit] if message else type(error).__name__
