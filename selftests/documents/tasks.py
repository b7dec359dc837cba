"""`docs/tasks.md`: every pipeline task with its contract, its subject and its outcome, from real runs.

`python -m selftests.documents.tasks` runs the pipelines suite on the built-ins with the installed transformers, stores
the outcomes in `docs/tasks.json` next to those of the other versions, and writes the page.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fixtures.builtin import FLEET
from fixtures.machine import library_versions
from fixtures.session.options import SUITES
from selftests.processes.pytest_run import QUIET, run_pytest
from suites.pipelines.contracts.registry import contract_for, contracts, modules

DOCS = SUITES.parent / "docs"
STORED, PAGE = DOCS / "tasks.json", DOCS / "tasks.md"
WORST = ("error", "defect", "hazard", "unsupported", "pass")
HEAD = """# Tasks

Every pipeline task that seatrial has a contract for, the built-in that it is tested on, and the outcomes of the checks
in `suites/pipelines`. `library` means that this version of transformers has the pipeline; `classes` that it has none,
so that seatrial calls the model classes; `diffusers` that diffusers runs it. Images without a prompt
(`unconditional-image-generation`) come from the same code as images from text, and have no built-in of their own.

This page is written by `python -m selftests.documents.tasks`, from runs with each version; a selftest compares it with
the installed registry.

"""

Outcomes = dict[str, dict[str, Any]]


def main() -> None:
    """Runs all tasks, or those of the command line; stores the outcomes and writes the page."""
    stored = json.loads(STORED.read_text(encoding="utf-8")) if STORED.is_file() else {}
    tasks = sys.argv[1:] or [*subjects()]
    stored[library_versions.version()] = {**stored.get(library_versions.version(), {}), **run(tasks)}
    STORED.write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    PAGE.write_text(render(stored), encoding="utf-8")


def run(tasks: Sequence[str]) -> Outcomes:
    """Returns outcomes by task. All subjects run in one process."""
    names = {task: name for task, name in subjects().items() if task in tasks}
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report"
        models = [f"--model=builtin:{name}" for name in sorted({*names.values()})]
        run_pytest(*QUIET, str(SUITES / "pipelines"), *models, report=report)
        counts = _counts(report / "records.jsonl")
    return {
        task: {"subject": name, "through": through(task), "counts": counts[f"builtin:{name}", task]}
        for task, name in names.items()
    }


def subjects() -> dict[str, str]:
    """Returns the built-in of each task: the one of its name, else the first that has the task."""
    tiny = {name: member for name, member in FLEET.items() if name.startswith("tiny-")}
    ordered = {**tiny, **FLEET}
    found = {task: name for name, member in reversed(ordered.items()) for task in member.traits.tasks}
    return {task: f"tiny-{task}" if f"tiny-{task}" in tiny else found[task] for task in contracts() if task in found}


def through(task: str) -> str:
    """Returns the implementation of a task with the installed version."""
    from fixtures.models.diffusers import TASKS
    from fixtures.pipelines.replacements import REPLACEMENTS

    if task in library_versions.pipeline_classes():
        return "library"
    return "diffusers" if task in TASKS else "classes" if task in REPLACEMENTS else "not in this version"


def _counts(records: Path) -> dict[tuple[str, str], dict[str, int]]:
    """Counts outcomes by subject and task."""
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for line in records.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if record["kind"] == "check":
            found[record["subject"], record["parameters"].get("task", "")][record["outcome"]] += 1
    return defaultdict(dict, {key: dict(counts) for key, counts in found.items()})


def render(stored: Mapping[str, Outcomes]) -> str:
    """The page."""
    versions = sorted(stored, reverse=True)
    titles = " | ".join(f"transformers {version}" for version in versions)
    rows = [
        f"| task | contract | subject | {titles} |\n",
        f"| --- | --- | --- | {' | '.join('---' for _ in versions)} |\n",
    ]
    for task in sorted({task for outcomes in stored.values() for task in outcomes}):
        subject = next(outcomes[task]["subject"] for outcomes in stored.values() if task in outcomes)
        cells = " | ".join(_cell(stored[version].get(task)) for version in versions)
        rows.append(f"| {task} | `{_module(task)}` | `builtin:{subject}` | {cells} |\n")
    return HEAD + "".join(rows)


def _module(task: str) -> str:
    """Returns the module of a contract."""
    return next(name for name, stated in modules().items() if contract_for(task) in stated)


def _cell(outcome: Mapping[str, Any] | None) -> str:
    """`library: 11 pass, 1 unsupported`."""
    if outcome is None:
        return "not tested"
    if outcome["through"] == "not in this version":
        return "not in this version"
    counts = ", ".join(f"{outcome['counts'][name]} {name}" for name in reversed(WORST) if outcome["counts"].get(name))
    return f"{outcome['through']}: {counts}"


if __name__ == "__main__":
    main()
