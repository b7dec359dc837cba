"""Captures warnings of the library; a trial otherwise lets only errors through."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

LOGGER = "transformers"


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextmanager
def captured() -> Iterator[list[str]]:
    """Collects the library's warnings, including those that it gives once per process."""
    from transformers.utils import logging as library_logging

    logger, listener = logging.getLogger(LOGGER), _Listener()
    level, handlers = logger.level, logger.handlers
    library_logging.warning_once.cache_clear()
    logger.setLevel(logging.WARNING)
    logger.handlers = [listener]
    try:
        yield listener.messages
    finally:
        logger.setLevel(level)
        logger.handlers = handlers
