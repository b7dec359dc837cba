"""A check that tests nothing says so with a reason: it does not return early, and `Unsupported` has a cause."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from fixtures.session.options import SUITES
from selftests.suites.catalogue import check_files

LEFT = {"chat_templates"}
"""Suites that are not done yet."""


def early_returns(function: ast.FunctionDef) -> Iterator[int]:
    """Lines at which a function returns nothing before its end; a function inside of it may."""
    for node in ast.iter_child_nodes(function):
        yield from _returns(node)


def _returns(node: ast.AST) -> Iterator[int]:
    if isinstance(node, ast.Return) and (node.value is None or isinstance(node.value, ast.Constant)):
        yield node.lineno
    elif not isinstance(node, (ast.FunctionDef, ast.Lambda)):
        for child in ast.iter_child_nodes(node):
            yield from _returns(child)


def test_no_check_returns_early() -> None:
    """A pass means that something was tested. `if wrong: raise ...` needs no return, and a helper can have one."""
    files = {identifier: path for identifier, path in check_files().items() if identifier.partition("/")[0] not in LEFT}
    functions = (
        (path, node)
        for path in sorted(set(files.values()))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )
    assert [f"{path.relative_to(SUITES)}:{line}" for path, node in functions for line in early_returns(node)] == []


def test_no_check_is_unsupported_without_a_cause() -> None:
    """Nothing raises `Unsupported` itself: its subclasses name the cause."""
    paths = (path for path in sorted(SUITES.rglob("*.py")) if path.relative_to(SUITES).parts[0] not in LEFT)
    calls = (
        f"{path.relative_to(SUITES)}:{node.lineno}"
        for path in paths
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Unsupported"
    )
    assert list(calls) == []


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("if not found:\n  return\n raise Defect('x')", [3]),
        ("try:\n  pass\n except ValueError:\n  return None", [5]),
        ("if wrong:\n  raise Defect('x')", []),
        ("def each():\n  return\n each()", []),
        ("return helper()", []),
    ],
)
def test_early_returns_are_found(body: str, lines: list[int]) -> None:
    (function,) = ast.parse(f"def test_it():\n {body}").body
    assert isinstance(function, ast.FunctionDef)
    assert list(early_returns(function)) == lines
