"""Which outcomes a check can raise: the names of `suites.findings` that its functions reach, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from fixtures.session.options import SUITES

FINDINGS = "suites.findings"
Name = tuple[str, str]
"""Module and name."""


def raised_by(function: Callable[..., Any]) -> set[str]:
    """Names of `suites.findings` that a function mentions, or a function of `suites` that it calls."""
    seen: set[Name] = set()
    open_names: list[Name] = [(function.__module__, function.__name__)]
    while open_names:
        name = open_names.pop()
        if name not in seen:
            seen.add(name)
            open_names += _mentioned(*name)
    return {name for module, name in seen if module == FINDINGS}


@cache
def _mentioned(module: str, name: str) -> tuple[Name, ...]:
    """Names in the definition, as module and name where they are defined in `suites`."""
    definition = None if module == FINDINGS else _definitions(module).get(name)
    if definition is None:
        return ()
    imports, own = _imports(module), _definitions(module)
    found: list[Name] = []
    for node in _walk(definition):
        if isinstance(node, ast.Name):
            found += [imports[node.id]] if node.id in imports else [(module, node.id)] if node.id in own else []
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imports:
            found.append((".".join(imports[node.value.id]), node.attr))
    return tuple(found)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Every node inside of one, but for the exceptions that a handler names: it catches them."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.ExceptHandler) and child is node.type):
            yield from _walk(child)


@cache
def _tree(module: str) -> ast.Module:
    path = SUITES.parent / f"{module.replace('.', '/')}.py"
    return ast.parse(path.read_text() if path.is_file() else "")


@cache
def _imports(module: str) -> dict[str, Name]:
    """Names imported from `suites`, as module and name."""
    return {
        each.asname or each.name: (node.module, each.name)
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("suites")
        for each in node.names
        if node.module
    }


@cache
def _definitions(module: str) -> dict[str, ast.stmt]:
    """Functions, classes and constants of a module."""
    return {name: node for node in _tree(module).body for name in _names(node)}


def _names(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name))
