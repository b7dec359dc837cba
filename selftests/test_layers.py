"""Layers: packages and folders import downwards only, without cycles, and none of them loads a heavy library."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from fixtures.session.options import SUITES

ROOT = SUITES.parent
HEAVY = {"torch", "transformers", "bitsandbytes", "accelerate", "datasets"}
ALLOWED = {"fixtures": {"fixtures"}, "suites": {"suites", "fixtures"}, "reports": {"reports"}}
"""What each package may import."""
SUITE = 4
"""Suites do not import each other."""
LEVELS: dict[str, dict[str, int]] = {
    "fixtures": {
        "plugin": 9,
        "for_checks": 9,
        "session": 8,
        "upgrade": 8,
        "pipelines": 8,
        "models": 7,
        "templates": 7,
        "references": 6,
        "subjects": 6,
        "builtin": 5,
        "checkpoint": 4,
        "sandbox": 3,
        "inputs": 2,
        "quantization": 2,
        "files": 1,
        "machine": 1,
        "text": 0,
    },
    "suites": {
        **dict.fromkeys(("integrity", "tokenizers", "chat_templates", "generation"), SUITE),
        **dict.fromkeys(("pipelines", "quality", "quantization"), SUITE),
        "scoring": 3,
        "running": 2,
        "evidence": 1,
        "findings": 1,
        "intervals": 1,
    },
    "reports": {
        "plugin": 8,
        "__main__": 8,
        "run": 7,
        "upgrade": 7,
        "directory": 6,
        "html": 5,
        "redaction": 5,
        "output": 4,
        "verdict": 3,
        "baseline": 3,
        "records": 2,
        "wording": 1,
    },
}
"""Levels of the folders and modules of each package: a module imports its own folder and lower levels.

`suites/evidence.py` and `suites/intervals.py` are at the lowest level, because every suite uses them and they use none.
"""


@cache
def modules() -> dict[str, Path]:
    """Files of all modules by their dotted names; a package's name stands for its `__init__`."""
    paths = [path.relative_to(ROOT) for package in ALLOWED for path in sorted((ROOT / package).rglob("*.py"))]
    return {".".join(path.with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def imported(tree: ast.AST) -> Iterator[str]:
    """Dotted names of every import, also of those inside functions and for type checking."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in modules() else str(node.module) for name in names)


@cache
def imports() -> dict[str, set[str]]:
    """Names that each module imports."""
    return {
        name: set(imported(ast.parse((ROOT / path).read_text(encoding="utf-8")))) for name, path in modules().items()
    }


def children(folder: str) -> dict[str, set[str]]:
    """Imports among the modules and folders that stand directly in a folder; its `__init__` is one of them."""

    def child(name: str) -> str | None:
        inside = name == folder or name.startswith(f"{folder}.")
        return [*name.removeprefix(folder).split("."), "__init__"][1] if inside else None

    graph: dict[str, set[str]] = defaultdict(set)
    for name, others in imports().items():
        if one := child(name):
            graph[one] |= {other for each in others if each in modules() and (other := child(each))} - {one}
    return graph


def executed(name: str) -> set[str]:
    """Modules that are executed when a module is: its imports, and the `__init__` of their packages."""
    found = {each for each in imports()[name] if each in modules()}
    packages = {each[:end] for each in found for end in range(len(each)) if each[end] == "."}
    return found | {each for each in packages if not f"{name}.".startswith(f"{each}.")}


def cycle(graph: Mapping[str, set[str]]) -> str | None:
    """The names of a cycle, each imported by the one before; None if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return " <- ".join(error.args[1])
    return None


def folders() -> list[str]:
    return [name for name, path in modules().items() if path.stem == "__init__"]


def test_a_cycle_is_found() -> None:
    assert cycle({"one": {"two"}, "two": {"one"}, "three": {"one"}}) in ("one <- two <- one", "two <- one <- two")
    assert cycle({"one": {"two"}, "two": set()}) is None


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_what_it_may(package: str) -> None:
    for name in modules():
        tops = {each.partition(".")[0] for each in imports()[name]}
        if name.partition(".")[0] == package:
            assert tops & (set(ALLOWED) | {"selftests"}) <= ALLOWED[package], name


@pytest.mark.parametrize("package", ALLOWED)
def test_every_folder_has_a_level(package: str) -> None:
    assert set(LEVELS[package]) == {name.split(".")[1] for name in modules() if name.startswith(f"{package}.")}


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_go_down(package: str) -> None:
    levels, prefix = LEVELS[package], f"{package}."
    inside = [name for name in modules() if name.startswith(prefix)]
    pairs = [(name, other) for name in inside for other in imports()[name] if other.startswith(prefix)]
    folders = [(pair, [name.split(".")[1] for name in pair]) for pair in pairs]
    found = [pair for pair, (own, other) in folders if own != other and levels[own] <= levels[other]]
    assert found == []


@pytest.mark.parametrize("folder", folders())
def test_what_stands_in_a_folder_has_no_import_cycle(folder: str) -> None:
    assert cycle(children(folder)) is None


@pytest.mark.parametrize("suite", [name for name, level in LEVELS["suites"].items() if level == SUITE])
def test_topics_do_not_import_each_other(suite: str) -> None:
    """A topic is a folder with checks; helpers of two topics stand in the suite."""
    prefix = f"suites.{suite}."
    checks = {name for name in modules() if name.rpartition(".")[2].startswith("test_")}
    topics = {name.rpartition(".")[0] for name in checks if name.startswith(prefix) and name.count(".") > 2}
    for name in modules():
        own = next((topic for topic in topics if name.startswith(f"{topic}.")), None)
        others = {topic for topic in topics for each in imports()[name] if each.startswith(f"{topic}.")} - {own}
        assert own is None or not others, (name, others)


def test_modules_have_no_import_cycle() -> None:
    assert cycle({name: executed(name) for name in modules()}) is None


@pytest.mark.parametrize("package", ALLOWED)
def test_importing_a_package_loads_no_heavy_library(package: str) -> None:
    names = [name for name in modules() if name.startswith(package) and not name.endswith("__main__")]
    code = (
        f"import importlib, sys\nfor name in {names!r}: importlib.import_module(name)\n"
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
