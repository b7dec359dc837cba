"""`report.md`: verdict, counts and findings, short enough for a pull-request comment."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reports import baseline, text
from reports.records import OUTCOMES, Json

LIMIT = 60_000
"""GitHub takes 65,536 characters in a comment."""

ICONS = {"adopt": "✅", "adopt-with-conditions": "⚠️", "reject": "❌", "inconclusive": "❔"}
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#~|&$])")
BARE = re.compile(r"(@|:(?=//)|www(?=\.))()")
"""Where GitHub would make a mention or a link of its own accord; an empty comment keeps it text."""


def render(verdict: Json) -> str:
    """The whole comment; findings that do not fit are counted."""
    parts: list[str] = []
    size = 0
    blocks = list(_blocks(verdict))
    for index, block in enumerate(blocks):
        size += len(block) + 2
        if size > LIMIT:
            parts.append(f"… {text.count(len(blocks) - index, 'more block')} in `report.html`.")
            break
        parts.append(block)
    return "\n\n".join(parts) + "\n"


def escaped(value: object, limit: int = 300) -> str:
    """One line that cannot format, link, mention or close anything."""
    marked = SPECIAL.sub(r"\\\1", text.line(str(value), limit))
    return BARE.sub(r"\1<!-- -->\2", marked)


def code(value: object, limit: int = 500) -> str:
    """A code span whose fence is longer than any inside."""
    inner = text.line(str(value), limit)
    fence = "`" * (max((len(run) for run in re.findall("`+", inner)), default=0) + 1)
    pad = " " if inner.startswith("`") or inner.endswith("`") else ""
    return f"{fence}{pad}{inner}{pad}{fence}" if inner else ""


def _blocks(verdict: Json) -> Iterator[str]:
    yield "## Sea trial"
    yield _table(verdict["subjects"])
    for subject in verdict["subjects"]:
        reasons = "\n".join(f"- {escaped(reason)}" for reason in subject["reasons"])
        but = baseline.reservation(subject["subject"]["name"], verdict["regressions"])
        said = f"{subject['verdict']}{f', **but {but}**' if but else ''}"
        yield f"**{escaped(subject['subject']['name'])}**: {said}\n\n{reasons}"
    if verdict["regressions"]:
        yield "### Changes since the baseline"
        yield "\n".join(
            f"- {code(change.get('check') or change.get('subject') or 'run')} {escaped(change.get('summary'))}"
            for change in verdict["regressions"]
        )
    for subject in verdict["subjects"]:
        for finding in subject["findings"]:
            yield _finding(finding, subject["subject"]["name"])
    run = verdict["run"]
    how = f"Profile {escaped(run['profile'])}, seed {run['seed']}, on {escaped(run['device'])}"
    yield f"<sub>{how}; the evidence is in `report.html`.</sub>"


def _table(subjects: list[Json]) -> str:
    head = f"| Subject | Verdict | {' | '.join(outcome.capitalize() for outcome in OUTCOMES)} |"
    rule = "| --- | --- |" + " --: |" * len(OUTCOMES)
    rows = [
        f"| {' | '.join([_cell(entry), *(str(entry['counts'][outcome]) for outcome in OUTCOMES)])} |"
        for entry in subjects
    ]
    return "\n".join([head, rule, *rows])


def _cell(entry: Json) -> str:
    name = code(entry["subject"]["name"]).replace("|", "\\|")  # a table's cells end at a bar even in code
    return f"{name} | {ICONS[entry['verdict']]} {entry['verdict']}"


def _finding(finding: Json, subject: str) -> str:
    where = " · ".join(part for part in (code(subject), escaped(text.variant(finding["variant"]))) if part)
    accepted = f"\n\nAccepted: {escaped(finding['accepted'])}" if finding.get("accepted") else ""
    remedy = f"\n\nFix: {escaped(finding['remedy'], 500)}" if finding["remedy"] else ""
    command = f"\n\n{code(finding['reproduce'])}" if finding["reproduce"] else ""
    title = f"### {finding['severity'].capitalize()}: {code(finding['check'])} ({where})"
    return f"{title}\n\n{escaped(finding['summary'])}{accepted}{remedy}{command}"
