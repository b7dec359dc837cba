"""The checks of all suites, found by importing their test modules."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fixtures.session.checks import check_id
from fixtures.session.options import SUITES


def checks() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Id and function of every check."""
    return ((identifier, function) for identifier, function, _ in _found())


def check_files() -> dict[str, Path]:
    """The file of every check, by id."""
    return {identifier: path for identifier, _, path in _found()}


def _found() -> Iterator[tuple[str, Callable[..., Any], Path]]:
    for path in sorted(SUITES.rglob("test_*.py")):
        module = importlib.import_module(".".join(path.relative_to(SUITES.parent).with_suffix("").parts))
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("test_") and function.__module__ == module.__name__:
                yield check_id(function, path), function, path
