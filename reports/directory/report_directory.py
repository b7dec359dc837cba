"""The report directory: read its records, write what people and machines read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from reports import html
from reports.output import markdown
from reports.records import to_json
from reports.records.atomic_write import replace
from reports.records.schema import Json, Trial, read
from reports.redaction import redact
from reports.verdict.judge import judge

RECORDS = "records.jsonl"
VERDICT = "verdict.json"
HTML = "report.html"
MARKDOWN = "report.md"


def load(directory: Path) -> Trial:
    """The trial of a report directory, also of a run that was killed while it wrote."""
    path = Path(directory) / RECORDS
    if not path.is_file():
        raise ValueError(f"{directory}: holds no {RECORDS}; give the directory that --report-dir named")
    try:
        redact.notice()
        return Trial.gather(read(path, redact.clean_line))
    except ValueError as problem:
        raise ValueError(str(problem) if str(path) in str(problem) else f"{path}: {problem}") from None


def write(directory: Path, trial: Trial, regressions: Sequence[Json] = ()) -> Json:
    """Writes verdict.json, report.html and report.md, each whole or not at all; returns the verdict."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    regressions = redact.cleaned(to_json.plain(regressions))
    verdict = judge(trial, regressions)
    replace(directory / VERDICT, to_json.dumps(verdict, indent=2) + "\n")
    replace(directory / MARKDOWN, markdown.render(verdict))
    replace(directory / HTML, html.render(trial, verdict, regressions))
    return verdict


def regressions(directory: Path) -> list[Json]:
    """The baseline changes that an earlier report of this directory told, to keep them in a rebuilt one."""
    try:
        found = json.loads((Path(directory) / VERDICT).read_text(encoding="utf-8"))["regressions"]
    except (OSError, ValueError, LookupError, TypeError):
        return []
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
