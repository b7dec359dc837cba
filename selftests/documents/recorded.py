"""Names of capabilities and metrics in the source of the suites, with the checks that record them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fixtures.session.options import SUITES
from suites.chat_templates.text.test_capabilities import PROBES

PROBED = "chat_templates/capabilities"
COMPUTED = ("*", "tokenizer.*")
"""Names of a parameter: the probes' are listed by `PROBES`, those of `checked_calls.require_fast` by its callers."""


@dataclass(frozen=True)
class Recorded:
    """One call of `record.capability` or `record.metric`."""

    kind: str
    """capability or metric."""
    name: str
    """`*` stands for a part that is computed; the whole name may be."""
    checks: tuple[str, ...]


@cache
def recorded() -> tuple[Recorded, ...]:
    """Returns every call in the suites."""
    found = [each for path in sorted(SUITES.rglob("*.py")) for each in _calls(path)]
    return (*found, *(Recorded("capability", name, (PROBED,)) for name in PROBES))


def _calls(path: Path) -> Iterator[Recorded]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
            kind = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if kind in ("capability", "metric") and isinstance(call.func, ast.Attribute) and call.args:
                yield Recorded(kind, _name(call.args[0], constants), _checks(path, function.name))
            elif kind == "require_fast" and len(call.args) == 3:
                yield Recorded("capability", f"tokenizer.{_name(call.args[2], constants)}", _checks(path, ""))


def _name(node: ast.expr, constants: Mapping[str, object]) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name) if name in constants:
            return str(constants[name])
        case ast.JoinedStr(values=parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in parts)
    return "*"


def _checks(path: Path, function: str) -> tuple[str, ...]:
    """The check in a file; for a helper, the checks that import its module and call the function."""
    if path.stem.startswith("test_"):
        return (_id(path),)
    module = ".".join(path.relative_to(SUITES.parent).with_suffix("").parts)
    package, _, stem = module.rpartition(".")
    imports = re.compile(rf"from {re.escape(module)} import|from {re.escape(package)} import [^\n]*\b{stem}\b")
    calls = re.compile(rf"\b{function}\(")
    texts = {each: each.read_text(encoding="utf-8") for each in sorted(SUITES.rglob("test_*.py"))}
    return tuple(_id(each) for each, text in texts.items() if imports.search(text) and calls.search(text))


def _id(path: Path) -> str:
    return f"{path.relative_to(SUITES).parts[0]}/{path.stem.removeprefix('test_').replace('_', '-')}"
