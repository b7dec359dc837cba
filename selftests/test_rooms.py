"""The rooms import each other only as the architecture says, and none of them loads a heavy library."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.session.options import SUITES

ROOT = SUITES.parent
ALLOWED = {"fixtures": {"fixtures"}, "suites": {"suites", "fixtures"}, "reports": {"reports"}}
HEAVY = {"torch", "transformers", "bitsandbytes", "accelerate", "datasets"}
MODULES = [path.relative_to(ROOT) for room in ALLOWED for path in sorted((ROOT / room).rglob("*.py"))]


def imported(tree: ast.AST) -> Iterator[str]:
    """Top-level names of every import, also of those inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_room_imports_only_what_it_may(module: Path) -> None:
    names = set(imported(ast.parse((ROOT / module).read_text(encoding="utf-8"))))
    assert names & (set(ALLOWED) | {"selftests"}) <= ALLOWED[module.parts[0]]


@pytest.mark.parametrize("room", ALLOWED)
def test_importing_a_room_loads_no_heavy_library(room: str) -> None:
    paths = [path for path in MODULES if path.parts[0] == room and path.stem != "__main__"]
    modules = [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in paths]
    code = (
        f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\n"
        f"print(sorted(set(sys.modules) & {HEAVY!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_collecting_loads_no_heavy_library(tmp_path: Path) -> None:
    code = (
        "import sys, pytest\n"
        "code = pytest.main(['--collect-only', '-q', '-p', 'no:cacheprovider'])\n"
        f"print('HEAVY', int(code), sorted(set(sys.modules) & {HEAVY!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY 0 []", done.stdout[-2000:]
