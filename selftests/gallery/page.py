"""`docs/gallery.md`: the rows of the gallery, by suite. Rewrite it with `python -m selftests.gallery.page`."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from fixtures.session.options import SUITES
from selftests.gallery.harness import all_mutants, all_rows, all_variations
from selftests.gallery.registry import Mutant, Row, Variation
from selftests.gallery.sources import linked
from selftests.suites.catalogue import check_files

AnyRow = TypeVar("AnyRow", bound=Row)
ROOT = SUITES.parent
PAGE = ROOT / "docs" / "gallery.md"
HEAD = """# The defect gallery

`selftests/gallery` runs the real checks on changed copies of small healthy built-ins. Each defect must be reported by
the check of its row, with a summary that names the cause, and the check must pass on the unchanged built-in. Each
healthy variation is unusual but valid: its check must pass.

`pytest selftests/gallery -k ROW` runs one row. A number refers to the project's list of documented defects, or is the
row's earlier id; 'own' means that no public source is known. This page is written by
`python -m selftests.gallery.page`.
"""
DEFECTS = """
| row | number | defect | source | made from | caught by | as |
| --- | --- | --- | --- | --- | --- | --- |
"""
VARIATIONS = """
Healthy variations:

| row | variation | made from | check |
| --- | --- | --- | --- |
"""


def render() -> str:
    files = check_files()
    mutants, variations = by_suite(all_mutants().values()), by_suite(all_variations().values())
    parts = [HEAD]
    for suite in sorted({*mutants, *variations}):
        parts += [f"\n## {suite}\n", DEFECTS, *(_defect(row, files) for row in mutants.get(suite, ()))]
        if suite in variations:
            parts += [VARIATIONS, *(_variation(row, files) for row in variations[suite])]
    return "".join(parts)


def by_suite(rows: Iterable[AnyRow]) -> dict[str, list[AnyRow]]:
    """Rows by the suite of their check, in the order of checks and ids."""
    found: dict[str, list[AnyRow]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.check, row.id)):
        found[row.check.partition("/")[0]].append(row)
    return found


def _defect(row: Mutant, files: dict[str, Path]) -> str:
    return _line(_row(row), row.number, row.title, linked(row.source), row.base, _check(row, files), row.severity)


def _variation(row: Variation, files: dict[str, Path]) -> str:
    return _line(_row(row), row.title, row.base, _check(row, files))


def _row(row: Row) -> str:
    return f"[{row.id}]({_relative(ROOT / (row.module.replace('.', '/') + '.py'))})"


def _check(row: Row, files: dict[str, Path]) -> str:
    return f"[`{row.check}`]({_relative(files[row.check])})"


def _relative(path: Path) -> str:
    return os.path.relpath(path, PAGE.parent).replace(os.sep, "/")


def _line(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    print(f"{len(all_rows())} rows")
