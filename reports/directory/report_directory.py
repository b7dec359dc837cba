"""The report directory: reads its records, writes verdict and reports."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from reports import html
from reports.output import markdown
from reports.records import to_json
from reports.records.atomic_write import replace
from reports.records.run_records import RunRecords
from reports.records.schema import read
from reports.records.to_json import Json
from reports.redaction import redact
from reports.verdict.judge import judge

RECORDS = "records.jsonl"
VERDICT = "verdict.json"
HTML = "report.html"
MARKDOWN = "report.md"


def load(directory: Path) -> RunRecords:
    """Returns the records of a report directory, also of a run that was killed while it wrote.

    Raises:
        ValueError: there are no records, or the file cannot be read; names the path.
    """
    path = Path(directory) / RECORDS
    if not path.is_file():
        raise ValueError(f"{directory}: holds no {RECORDS}; give the directory that --report-dir named")
    try:
        redact.read_environment()
        return RunRecords.gather(read(path, redact.redacted_line))
    except ValueError as error:
        raise ValueError(str(error) if str(path) in str(error) else f"{path}: {error}") from None


def write(directory: Path, records: RunRecords, regressions: Sequence[Json] = ()) -> Json:
    """Writes verdict.json, report.html and report.md, each whole or not at all; returns the verdict."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    regressions = redact.redacted_value(to_json.plain(regressions))
    verdict = judge(records, regressions)
    replace(directory / VERDICT, to_json.dumps(verdict, indent=2) + "\n")
    replace(directory / MARKDOWN, markdown.render(verdict))
    replace(directory / HTML, html.render(records, verdict, regressions))
    return verdict


def regressions(directory: Path) -> list[Json]:
    """The baseline changes of an earlier report of this directory, to be shown in the rebuilt one too."""
    try:
        changes = json.loads((Path(directory) / VERDICT).read_text(encoding="utf-8"))["regressions"]
    except (OSError, ValueError, LookupError, TypeError):
        return []
    return [each for each in changes if isinstance(each, dict)] if isinstance(changes, list) else []
