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

SWEEPING = "tokenizers/"
PATCHED = "-pselftests.gallery.patches"


def try_all(directory: Path, mutants: Iterable[Mutant]) -> dict[str, dict[str, Any]]:
    """The suite's verdict on each healthy subject and each mutant, by directory name; two pytest processes at a time.

    A row about anything but the tokenizer has the tokenizer of its healthy base, which is tried once and not again:
    that suite sweeps whole vocabularies and all of Unicode.
    """
    rows = list(mutants)
    whole = [row for row in rows if row.caught_by.startswith(SWEEPING)]
    others = [row for row in rows if not row.caught_by.startswith(SWEEPING)]
    runs: list[tuple[list[Path], tuple[str, ...]]] = [
        (healthy(directory, rows) + build(directory, whole), ()),
        (build(directory, others), (f"--deselect=suites/{SWEEPING}",)),
    ]
    with ThreadPoolExecutor() as pool:
        reports = [pool.submit(sea_trial, subjects, directory / f"report-{number}", PATCHED, *options)
                   for number, (subjects, options) in enumerate(runs)]  # fmt: skip
        return {name: entry for report in reports for name, entry in by_subject(report.result()).items()}


def healthy(directory: Path, rows: Iterable[Mutant]) -> list[Path]:
    """A directory `healthy-...` for each healthy subject, and for whatever else a row is made from."""
    names = dict.fromkeys([*HEALTHY, *(row.base for row in rows)])
    return [copy(name, directory / f"healthy-{name}") for name in names]


def build(directory: Path, mutants: Iterable[Mutant]) -> list[Path]:
    """A directory for each mutant, called by its id."""
    subjects = []
    for each in mutants:
        subject = copy(each.base, directory / each.id)
        each.mutate(subject)
        subjects.append(subject)
    return subjects


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
