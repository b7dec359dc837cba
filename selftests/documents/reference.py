"""`docs/reference/checks.md`, `fixtures.md`, `options.md` and `records.md`, generated from the code.

`python -m selftests.documents.reference` writes the pages.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures import plugin as fixtures_plugin
from fixtures.session.checks import CheckInfo, check_info, documentation
from fixtures.session.needs import NEEDS, PLAIN
from fixtures.session.options import SUITES
from fixtures.session.selection import SUITE_ORDER
from reports import plugin as reports_plugin
from selftests.documents import records
from selftests.gallery.harness import all_rows
from selftests.gallery.registry import Mutant
from selftests.gallery.sources import linked
from selftests.suites.catalogue import checks
from suites.findings import Record

ROOT = SUITES.parent
FOLDER = ROOT / "docs" / "reference"
NOTE = "This page is written by `python -m selftests.documents.reference`; a selftest keeps it current.\n"
CHECKS = f"""# Checks

One promise about a subject is one function with a stable id. Severity is that of its gallery rows: a check may report
more than one. 'Uses' lists what it decides ([uses](uses.md)). 'Needs' lists what a subject must have, or the run, so
that the check is generated; `pytest --why` lists the checks that were not. {NOTE}"""
FIXTURES = f"""# Fixtures for checks

A check asks for fixtures by naming them as parameters. What a fixture needs stands beside it (`@provides`); a need
without a value is a decorator of the check (`@needs("name")`). {NOTE}"""
OPTIONS = f"""# Options

Options of `pytest` that seatrial adds. `pytest --help` shows them too. {NOTE}"""


def pages() -> dict[Path, str]:
    """Returns the text of every page, by path."""
    return {
        FOLDER / "checks.md": _checks_page(),
        FOLDER / "fixtures.md": _fixtures_page(),
        FOLDER / "options.md": _options_page(),
        FOLDER / "records.md": records.page(NOTE),
    }


def _checks_page() -> str:
    importlib.import_module("fixtures.for_checks.requirements")
    for name in fixtures_plugin.pytest_plugins:
        importlib.import_module(name)
    by_suite: dict[str, list[CheckInfo]] = defaultdict(list)
    for _, function in checks():
        info = check_info(function, Path(inspect.getfile(function)))
        by_suite[info.suite].append(info)
    rows = _rows()
    parts = [CHECKS]
    for suite in SUITE_ORDER:
        parts.append(f"\n## {suite}\n")
        parts += [_check(info, rows.get(info.id, [])) for info in sorted(by_suite[suite], key=lambda each: each.id)]
    return "".join(parts)


def _rows() -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for row in sorted(all_rows().values(), key=lambda each: each.id):
        found[row.check].append(row)
    return found


def _check(info: CheckInfo, rows: list[Any]) -> str:
    text = documentation(info.function)
    severities = sorted({row.severity for row in rows if isinstance(row, Mutant)})
    lines = [
        f"\n### {info.id}\n\n{text['promise']}\n",
        f"- Why: {text['why']}",
        f"- Fix: {text['fix']}",
        f"- Source: {linked(text['source'])}",
        f"- Needs: {'; '.join(_needs(info)) or 'nothing'}",
        f"- Uses: {', '.join(f'`{use}`' for use in info.uses)}",
        f"- Severity: {' or '.join(severities) or 'see the file'}",
        f"- File: [{info.path.relative_to(ROOT)}]({_relative(info.path)})",
        f"- Gallery rows: {', '.join(_row(row) for row in rows) or 'none'}",
    ]
    return "\n".join(lines) + "\n"


def _needs(info: CheckInfo) -> list[str]:
    names = {*inspect.signature(info.function).parameters, *info.needs}
    found = [NEEDS[name].what for name in sorted(names) if name in NEEDS]
    found += [f"the task {' or '.join(info.tasks)}"] if info.tasks else []
    found += ["an accelerator"] if info.accelerator else []
    found += ["on a CPU `--profile standard` or higher, since it takes minutes"] if info.minutes else []
    return list(dict.fromkeys(found))


def _row(row: Any) -> str:
    return f"[{row.id}]({_relative(ROOT / (row.module.replace('.', '/') + '.py'))})"


def _relative(path: Path) -> str:
    return os.path.relpath(path, FOLDER).replace(os.sep, "/")


def _fixtures_page() -> str:
    parts = [FIXTURES, "\n| fixture | gives | needs |\n| --- | --- | --- |\n"]
    documented = dict(_documented())
    for name, text in sorted(documented.items()):
        need = NEEDS[name].what if name in NEEDS else "nothing"
        parts.append(f"| `{name}` | {text} | {need} |\n")
    parts.append(
        "| `record` | The record of the check: `capability`, `metric`, `observations`, `sequences`, `series`. |"
    )
    parts.append(" nothing |\n\n## Needs without a value\n\n| name | need |\n| --- | --- |\n")
    parts += [f"| `{name}` | {need.what} |\n" for name, need in sorted(NEEDS.items()) if name not in documented]
    return "".join(parts)


def _documented() -> Iterator[tuple[str, str]]:
    """Name and first paragraph of each fixture's docstring."""
    for module in fixtures_plugin.pytest_plugins:
        path = Path(str(importlib.import_module(module).__file__))
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name in NEEDS.keys() | PLAIN:
                yield node.name, " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())


def _recording() -> list[str]:
    """The methods of `record`, in the order of the protocol."""
    return [f"`{name}`" for name, member in vars(Record).items() if inspect.isfunction(member) and name[0] != "_"]


def _options_page() -> str:
    parts = [OPTIONS, "\n| option | meaning |\n| --- | --- |\n"]
    for option in [*_declared(fixtures_plugin.pytest_addoption), *_declared(reports_plugin.pytest_addoption)]:
        names, attributes = option
        value = attributes.get("metavar") or ("|".join(attributes["choices"]) if attributes.get("choices") else "")
        shown = " ".join(filter(None, (names, value))).replace("|", "\\|")
        parts.append(f"| `{shown}` | {attributes.get('help', '')} |\n")
    parts.append("| `--strict` | hazards count as defects (pytest's own option) |\n")
    return "".join(parts)


def _declared(add_options: Callable[[Any], None]) -> list[tuple[str, dict[str, Any]]]:
    parser = pytest.Parser(_ispytest=True)
    add_options(parser)
    group = parser.getgroup("seatrial")
    return [(option.names()[0], dict(option.attrs())) for option in group.options]


def write() -> None:
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
