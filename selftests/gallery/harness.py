"""Builds the gallery's subjects and runs the real suite on them, one lot of rows after the other."""

from __future__ import annotations

import importlib
import json
import pkgutil
import shutil
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixtures import builtin
from fixtures.quantization.registry import backend_of
from fixtures.session.options import SUITES
from selftests.gallery.registry import HEALTHY, MUTANTS, Mutant
from selftests.processes.pytest_run import sea_trial

PATCHED = "-pselftests.gallery.patches"
VERDICTS, FAILED = "verdicts.json", "failed"
ROWS_PER_LOT = 40
"""So many subjects that starting a process for them does not matter, so few that workers share the lots out evenly."""
LOADS = "integrity/test_loads.py"
ALSO = {"tokenizers": ("chat_templates",)}
"""Suites that meet what the rows of a suite break; more where a row asks for them."""
SLOW = {
    "tokenizers/every-code-point-survives": "tokenizers/round_trip/test_every_code_point_survives.py",
    "tokenizers/encoding-time-grows-linearly": "tokenizers/measures/test_encoding_time_grows_linearly.py",
    "tokenizers/encoding-cost": "tokenizers/measures/test_encoding_cost.py",
}
"""Checks that take a second of each subject, and their files: only rows about them run them."""


@dataclass(frozen=True)
class Lot:
    """Subjects that one pytest process tries together."""

    name: str
    rows: tuple[Mutant, ...]
    healthy: tuple[str, ...]
    tried: tuple[str, ...]
    """Suites and files, relative to `suites/`."""
    left_out: tuple[str, ...]
    """Files of them that are left out."""
    quantization: str = "none"

    @property
    def subjects(self) -> list[str]:
        return [*(f"healthy-{name}" for name in self.healthy), *(row.id for row in self.rows)]


def lots(rows: Iterable[Mutant], bases: Iterable[str]) -> list[Lot]:
    """Rows with the same checks run together; the fleet runs with everything, other bases with all but what is slow."""
    groups: dict[tuple[tuple[str, ...], tuple[str, ...], str], list[Mutant]] = {}
    for row in rows:
        groups.setdefault((tried(row), left_out(row), row.quantization), []).append(row)
    found = [Lot(f"lot-{part[0].id}", part, (), *which) for which, group in groups.items() for part in even(group)]
    whole = tuple(name for name in HEALTHY if name in {*bases})
    others = tuple(sorted({*bases} - {*HEALTHY}))
    found += [Lot("lot-healthy", (), whole, (".",), ())] if whole else []
    found += [Lot("lot-bases", (), others, (".",), tuple(SLOW.values()))] if others else []
    return found


def even(rows: Sequence[Mutant]) -> list[tuple[Mutant, ...]]:
    """Parts of about the same size, none above `ROWS_PER_LOT`."""
    size = -(-len(rows) // -(-len(rows) // ROWS_PER_LOT))
    return [tuple(rows[start : start + size]) for start in range(0, len(rows), size)]


def tried(row: Mutant) -> tuple[str, ...]:
    """Its own suite and what else may break on it; the rest is as in the healthy base."""
    suite = row.caught_by.partition("/")[0]
    return (*(() if suite == "integrity" else (LOADS,)), suite, *ALSO.get(suite, ()), *row.also)


def left_out(row: Mutant) -> tuple[str, ...]:
    return () if row.caught_by in SLOW else tuple(file for file in SLOW.values() if file.startswith(tried(row)))


def try_lot(lot: Lot, directory: Path) -> None:
    """Writes `verdicts.json` into the directory: directory name to the subject's entry, or why there is none."""
    try:
        found = verdicts(lot, directory)
    except Exception:  # whoever asks for one of its rows is told, and the lot does not run again for each
        found = {FAILED: traceback.format_exc()}
    (directory / VERDICTS).write_text(json.dumps(found), encoding="utf-8")


def verdicts(lot: Lot, directory: Path) -> dict[str, Any]:
    """The suite's verdict on each subject of the lot, by directory name."""
    subjects = [copy(name, directory / f"healthy-{name}") for name in lot.healthy]
    subjects += [build(row, directory) for row in lot.rows]
    paths = [str(SUITES / each) for each in lot.tried]
    deselected = [f"--deselect=suites/{each}" for each in lot.left_out]
    options = [f"--quantization={lot.quantization}", *deselected]
    return by_subject(sea_trial(subjects, directory / "report", PATCHED, *paths, *options))


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


def not_here(row: Mutant) -> str | None:
    """Why a row cannot be tried in this environment."""
    return None if row.quantization == "none" else backend_of(row.quantization).missing()


def all_mutants() -> dict[str, Mutant]:
    """Every row; importing the modules registers them."""
    from selftests.gallery import rows

    for module in pkgutil.iter_modules(rows.__path__, f"{rows.__name__}."):
        importlib.import_module(module.name)
    return MUTANTS
