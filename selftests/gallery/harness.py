"""Builds the gallery's subjects and runs the real suite on all of them."""

from __future__ import annotations

import importlib
import pkgutil
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fixtures.subjects import builtin
from selftests.gallery.registry import HEALTHY, MUTANTS, Mutant
from selftests.running import sea_trial

PATCHED = "-pselftests.gallery.patches"
TOKENIZERS, TEMPLATES, GENERATION = "tokenizers/", "chat_templates/", "generation/"
SWEEP, SWEEP_FILE = "tokenizers/every-code-point-survives", "tokenizers/round_trip/test_every_code_point_survives.py"


def try_all(directory: Path, mutants: Iterable[Mutant]) -> dict[str, dict[str, Any]]:
    """The suite's verdict on each healthy subject and each mutant, by directory name; two pytest processes at a time.

    Rows that leave out the same checks run together; the healthy subjects of the fleet run with everything.
    """
    rows = list(mutants)
    groups: dict[tuple[str, ...], list[Path]] = {(): [copy_healthy(name, directory) for name in HEALTHY]}
    for base in sorted({row.base for row in rows} - {*HEALTHY}):
        groups.setdefault((SWEEP_FILE,), []).append(copy_healthy(base, directory))
    for row in rows:
        groups.setdefault(left_out(row), []).append(build(row, directory))
    with ThreadPoolExecutor(2) as pool:
        reports = [pool.submit(sea_trial, subjects, directory / f"report-{number}", PATCHED, *deselected(checks))
                   for number, (checks, subjects) in enumerate(groups.items())]  # fmt: skip
        return {name: entry for report in reports for name, entry in by_subject(report.result()).items()}


def left_out(row: Mutant) -> tuple[str, ...]:
    """What is as in the healthy base and takes long: the sweep of Unicode, the other suites' work on good files."""
    if row.caught_by == SWEEP:
        return ()
    if row.caught_by.startswith(TOKENIZERS):
        return (SWEEP_FILE,)
    return (TOKENIZERS, GENERATION) if row.caught_by.startswith(TEMPLATES) else (TOKENIZERS,)


def deselected(checks: Iterable[str]) -> list[str]:
    return [f"--deselect=suites/{each}" for each in checks]


def copy_healthy(name: str, directory: Path) -> Path:
    return copy(name, directory / f"healthy-{name}")


def build(row: Mutant, directory: Path) -> Path:
    """A directory called by the row's id: a copy of its base with the defect in it."""
    subject = copy(row.base, directory / row.id)
    row.mutate(subject)
    return subject


def copy(name: str, target: Path) -> Path:
    """A copy of a built-in that may be changed."""
    return Path(shutil.copytree(builtin.directory(name), target))


def by_subject(verdict: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Directory name to the subject's entry in the verdict."""
    return {Path(entry["subject"]["source"]).name: entry for entry in verdict["subjects"]}


def all_mutants() -> dict[str, Mutant]:
    """Every row; importing the modules registers them."""
    from selftests.gallery import rows

    for module in pkgutil.iter_modules(rows.__path__, f"{rows.__name__}."):
        importlib.import_module(module.name)
    return MUTANTS
