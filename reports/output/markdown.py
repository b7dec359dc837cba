"""`report.md`: verdict, counts and findings, short enough for a pull-request comment."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reports import wording
from reports.baseline import kinds
from reports.output import variants
from reports.records.outcomes import OUTCOMES
from reports.records.to_json import Json
from reports.verdict import uses
from reports.verdict.judge import TONES

LIMIT = 60_000
"""GitHub takes 65,536 characters in a comment."""

ROWS, METRICS = 50, 12
"""Changes that are listed, and metrics of variants."""

ICONS = {"good": "✅", "caution": "⚠️", "bad": "❌", "open": "❔", "quiet": "▫️"}
"""By tone."""
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#~|&$])")
BARE = re.compile(r"(@|#(?=\d)|\bGH-(?=\d)|:(?=//)|:(?=[\w+-]+:)|www(?=\.))()", re.IGNORECASE)
"""Text that GitHub turns into a mention, a reference, a link or a picture; an empty comment prevents that."""

LEADING = re.compile(r"^(\d*)([-+=.)])")
"""Text that begins a list, a rule or a heading."""


def render(verdict: Json) -> str:
    """Returns the whole comment; blocks that do not fit are counted."""
    parts: list[str] = []
    size = 0
    blocks = list(_blocks(verdict))
    for index, block in enumerate(blocks):
        size += len(block) + 2
        if size > LIMIT:
            parts.append(f"… {wording.count(len(blocks) - index, 'more block')} in `report.html`.")
            break
        parts.append(block)
    return "\n\n".join(parts) + "\n"


def escaped(value: object, limit: int = 300) -> str:
    """One line that cannot format, link, mention or close anything, even at the beginning of a paragraph."""
    marked = LEADING.sub(r"\1\\\2", SPECIAL.sub(r"\\\1", wording.line(str(value), limit)))
    return BARE.sub(r"\1<!-- -->\2", marked)


def code(value: object, limit: int = 500) -> str:
    """A code span whose fence is longer than any inside."""
    inner = wording.line(str(value), limit)
    fence = "`" * (max((len(run) for run in re.findall("`+", inner)), default=0) + 1)
    pad = " " if inner.startswith("`") or inner.endswith("`") else ""
    return f"{fence}{pad}{inner}{pad}{fence}" if inner else ""


def _blocks(verdict: Json) -> Iterator[str]:
    yield "## Sea trial"
    yield _table(verdict["subjects"])
    for subject in verdict["subjects"]:
        reasons = "\n".join(f"- {escaped(reason)}" for reason in subject["reasons"])
        reservation = kinds.reservation(subject["subject"]["name"], verdict["regressions"])
        but = f", **but {reservation}**" if reservation else ""
        yield f"**{escaped(subject['subject']['name'])}**: {subject['verdict']}{but}\n\n{_uses(subject)}\n\n{reasons}"
    if verdict["stack"]:
        yield "### Your stack"
        yield "\n".join(f"- {code(each['check'])} {escaped(each['summary'])}" for each in verdict["stack"])
    if verdict["regressions"]:
        yield "### Changes since the baseline"
        yield _changes(verdict["regressions"])
    for subject in verdict["subjects"]:
        if table := variants.compared(subject):
            yield _variants(table)
    for subject in verdict["subjects"]:
        for finding in subject["findings"]:
            yield _finding(finding, subject["subject"]["name"])
    run = verdict["run"]
    how = f"Profile {escaped(run['profile'])}, seed {run['seed']}, on {escaped(run['device'])}"
    yield f"<sub>{how}; the evidence is in `report.html`.</sub>"


def _uses(subject: Json) -> str:
    """One row for each use that was tested or decides."""
    rows = ["| Use | Role | State | Tested | Why |", "| --- | --- | --- | --: | --- |"]
    for name, use in uses.worth_showing(subject).items():
        why = escaped(use["reasons"][0], 200) if use["reasons"] else ""
        state = f"{ICONS[uses.TONES[use['state']]]} {use['state']}"
        rows.append(f"| {escaped(name)} | {use['role']} | {state} | {use['tested']} of {use['planned']} | {why} |")
    return "\n".join(rows)


def _changes(changes: list[Json]) -> str:
    lines = [
        f"- {code(change.get('check') or change.get('subject') or 'run')} {escaped(change.get('summary'))}"
        for change in changes[:ROWS]
    ]
    more = len(changes) - len(lines)
    return "\n".join(lines + ([f"- … {wording.count(more, 'more change')} in `report.html`."] if more else []))


def _variants(table: Json) -> str:
    """The first metrics of each variant next to full precision."""
    lines = [f"### Variants of {code(table['subject'])}", ""]
    lines.append(f"| Metric | {' | '.join(map(escaped, table['columns']))} |")
    lines.append("| --- |" + " --: |" * len(table["columns"]))
    for row in table["rows"][:METRICS]:
        name = f"{_in_cell(code(row['name']))} {escaped(row['parameters'])} ({escaped(row['unit'])})"
        lines.append(f"| {name} | {' | '.join(map(_number, row['cells']))} |")
    return "\n".join(lines)


def _number(cell: Json) -> str:
    if not cell:
        return "–"
    ratio = f" (× {cell['ratio']:.3g})" if cell["ratio"] is not None else ""
    return f"{escaped(wording.number(cell['value']))}{ratio}"


def _in_cell(span: str) -> str:
    """Escapes bars, which end a table cell even in code."""
    return span.replace("|", "\\|")


def _table(subjects: list[Json]) -> str:
    titles = [outcome.plural.capitalize() for outcome in OUTCOMES.values()]
    head = f"| Subject | Verdict | {' | '.join(titles)} |"
    rule = "| --- | --- |" + " --: |" * len(OUTCOMES)
    rows = [
        f"| {' | '.join([_cell(entry), *(str(entry['counts'][outcome]) for outcome in OUTCOMES)])} |"
        for entry in subjects[: 2 * ROWS]
    ]
    more = len(subjects) - len(rows)
    return "\n".join([head, rule, *rows]) + (f"\n\n… and {wording.count(more, 'more model')}." if more else "")


def _cell(entry: Json) -> str:
    return f"{_in_cell(code(entry['subject']['name']))} | {ICONS[TONES[entry['verdict']]]} {entry['verdict']}"


def _finding(finding: Json, subject: str) -> str:
    where = " · ".join(part for part in (code(subject), escaped(wording.variant(finding["variant"]))) if part)
    accepted = f"\n\nAccepted: {escaped(finding['accepted'])}" if finding.get("accepted") else ""
    fix = f"\n\nFix: {escaped(finding['fix'], 500)}" if finding["fix"] else ""
    command = f"\n\n{code(finding['reproduce'])}" if finding["reproduce"] else ""
    title = f"### {finding['severity'].capitalize()}: {code(finding['check'])} ({where})"
    return f"{title}\n\n{escaped(finding['summary'])}{accepted}{fix}{command}"
