"""The checks of the suite, found by importing its test modules."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from fixtures.session.checks import check_id
from fixtures.session.options import SUITES


def checks() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Id and function of every check."""
    for path in sorted(SUITES.rglob("test_*.py")):
        module = importlib.import_module(".".join(path.relative_to(SUITES.parent).with_suffix("").parts))
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("test_") and function.__module__ == module.__name__:
                yield check_id(function, path), function


def check_ids() -> set[str]:
    return {identifier for identifier, _ in checks()}
