"""Builds the subjects of the gallery and runs the real checks on them, many rows in one pytest process.

`pytest selftests/gallery -k ROW` runs one row, in 7 to 17 seconds on two cores: tokenizers fast, pipelines slow.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import shutil
import traceback
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixtures import builtin
from fixtures.quantization.registry import backend_of
from fixtures.session.options import SUITES
from reports.directory import report_directory
from selftests.gallery.registry import HEALTHY, MUTANTS, VARIATIONS, Mutant, Row, Variation
from selftests.processes.pytest_run import QUIET, run_pytest

PATCHED = "-pselftests.gallery.patches"
ENTRIES, FAILED = "entries.json", "failed"
ROWS_PER_LOT = 40
"""Enough subjects for one process to make its start cheap, few enough to share the lots evenly among workers."""
LOADS = "integrity/test_loads.py"
ALSO = {"tokenizers": ("chat_templates",)}
"""Suites that also see the defects of a suite's rows. A row may name more."""
SLOW = {
    "tokenizers/every-code-point-survives": "tokenizers/round_trip/test_every_code_point_survives.py",
    "tokenizers/encoding-time-grows-linearly": "tokenizers/measures/test_encoding_time_grows_linearly.py",
    "tokenizers/encoding-cost": "tokenizers/measures/test_encoding_cost.py",
}
"""Checks that take a second for each subject, and their files. Only rows about these checks run them."""

Entry = dict[str, Any]
"""A subject's entry in verdict.json, with `outcomes`: for each check, its different outcomes in the run."""


@dataclass(frozen=True)
class Lot:
    """Subjects that one pytest process checks together."""

    name: str
    rows: tuple[Row, ...]
    healthy: tuple[str, ...]
    """Built-ins that are checked as they are."""
    selected: tuple[str, ...]
    """Suites and files to run, relative to `suites/`."""
    deselected: tuple[str, ...]
    """Files among them that are not run."""
    quantization: str = "none"

    @property
    def subjects(self) -> list[str]:
        return [*(f"healthy-{name}" for name in self.healthy), *(row.id for row in self.rows)]


def lots(rows: Iterable[Row], bases: Iterable[str]) -> list[Lot]:
    """Rows that run the same checks form lots.

    The three main built-ins run with all checks, other bases with all that are not slow.
    """
    groups: dict[tuple[tuple[str, ...], tuple[str, ...], str], list[Row]] = {}
    for row in rows:
        groups.setdefault((selected(row), deselected(row), row.quantization), []).append(row)
    found = [Lot(f"lot-{part[0].id}", part, (), *which) for which, group in groups.items() for part in even(group)]
    main = tuple(name for name in HEALTHY if name in {*bases})
    others = tuple(sorted({*bases} - {*HEALTHY}))
    found += [Lot("lot-healthy", (), main, (".",), ())] if main else []
    found += [Lot("lot-bases", (), others, (".",), tuple(SLOW.values()))] if others else []
    return found


def even(rows: Sequence[Row]) -> list[tuple[Row, ...]]:
    """Parts of about the same size, at most `ROWS_PER_LOT` each."""
    size = -(-len(rows) // -(-len(rows) // ROWS_PER_LOT))
    return [tuple(rows[start : start + size]) for start in range(0, len(rows), size)]


def selected(row: Row) -> tuple[str, ...]:
    """The suite of the row's check, and whatever else the defect may break."""
    suite = row.check.partition("/")[0]
    return (*(() if suite == "integrity" else (LOADS,)), suite, *ALSO.get(suite, ()), *row.also)


def deselected(row: Row) -> tuple[str, ...]:
    return () if row.check in SLOW else tuple(file for file in SLOW.values() if file.startswith(selected(row)))


def run_lot(lot: Lot, directory: Path) -> None:
    """Writes entries.json into the directory: entry by directory name, or the reason why there is none."""
    try:
        found = entries(lot, directory)
    except Exception:  # each of its rows reports it; the lot does not run again
        found = {FAILED: traceback.format_exc()}
    (directory / ENTRIES).write_text(json.dumps(found), encoding="utf-8")


def entries(lot: Lot, directory: Path) -> dict[str, Any]:
    """The entry of each subject of the lot, by directory name."""
    bases = {directory / f"healthy-{name}": name for name in lot.healthy}
    bases |= {directory / row.id: row.base for row in lot.rows}
    for name in lot.healthy:
        copy(name, directory / f"healthy-{name}")
    for row in lot.rows:
        build(row, directory)
    paths = [str(SUITES / each) for each in lot.selected]
    options = [f"--quantization={lot.quantization}", *(f"--deselect=suites/{each}" for each in lot.deselected)]
    options += named(bases, directory / "untrained.toml")
    run = run_pytest(*QUIET, PATCHED, *paths, *options, report=directory / "report")
    outcomes = outcomes_in(run.report)
    return {
        Path(entry["subject"]["source"]).name: entry | {"outcomes": outcomes[entry["subject"]["name"]]}
        for entry in run.verdict["subjects"]
    }


def named(bases: Mapping[Path, str], manifest: Path) -> list[str]:
    """The options that name the subjects; a manifest declares copies of untrained built-ins as such."""
    untrained = [subject for subject, base in bases.items() if not builtin.FLEET[base].trained]
    entries = [f"[[subject]]\nsource = '{subject}'\ntrained = false\n" for subject in untrained]
    manifest.write_text("\n".join(entries), encoding="utf-8")
    declared = [f"--models={manifest}"] if untrained else []
    return declared + [f"--model={subject}" for subject in bases if subject not in untrained]


def outcomes_in(report: Path) -> dict[str, dict[str, list[str]]]:
    """For each subject and check of a report, the different outcomes."""
    found: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for check in report_directory.load(report).checks:
        outcomes = found[check.subject].setdefault(check.check, [])
        if check.outcome not in outcomes:
            outcomes.append(check.outcome)
    return found


def build(row: Row, directory: Path) -> Path:
    """A directory named after the row: a changed copy of its base."""
    subject = copy(row.base, directory / row.id)
    row.edit(subject)
    return subject


def copy(name: str, target: Path) -> Path:
    """A copy of a built-in that may be changed."""
    return Path(shutil.copytree(builtin.directory(name), target))


def missing(row: Row) -> str | None:
    """Returns why a row cannot run in this environment, or None."""
    return None if row.quantization == "none" else backend_of(row.quantization).missing()


def all_mutants() -> dict[str, Mutant]:
    """Every row with a defect, by id."""
    import_rows()
    return MUTANTS


def all_variations() -> dict[str, Variation]:
    """Every row with a healthy variation, by id."""
    import_rows()
    return VARIATIONS


def all_rows() -> dict[str, Row]:
    return {**all_mutants(), **all_variations()}


def import_rows() -> None:
    """Imports all modules of `rows`, which registers what they declare."""
    from selftests.gallery import rows

    for module in pkgutil.walk_packages(rows.__path__, f"{rows.__name__}."):
        importlib.import_module(module.name)
