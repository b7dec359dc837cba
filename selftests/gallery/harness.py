"""Builds the gallery's subjects and runs the real suite on all of them in one pytest process."""

from __future__ import annotations

import importlib
import pkgutil
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fixtures.subjects import builtin
from selftests.gallery.registry import HEALTHY, MUTANTS, Mutant


def build(directory: Path, mutants: Iterable[Mutant]) -> list[Path]:
    """A directory for each healthy subject (`healthy-...`) and each mutant (its id)."""
    subjects = [copy(name, directory / f"healthy-{name}") for name in HEALTHY]
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
