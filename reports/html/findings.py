"""The section of findings, by severity and check, and the section of next steps."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence

from reports import wording
from reports.baseline import kinds
from reports.html import evidence
from reports.html.filter_keys import FilterKeys
from reports.records.outcomes import OUTCOMES, SEVERITIES, Outcome
from reports.records.run_records import RunRecords
from reports.records.to_json import Json
from reports.verdict.judge import ADOPTING

FULL = 400
"""Findings shown with their evidence; the rest are counted and left to verdict.json."""

SETTLED = Outcome(
    name="accepted",
    letter="",
    singular="accepted",
    plural="accepted findings",
    meaning="found, and accepted or ignored with a reason: they do not count in the verdict",
    rank=0,
    tone="quiet",
    sign="·",
)
"""The section of findings that decide nothing."""

STEPS = 8
"""Next steps that are listed."""

REPORT_DIR = re.compile(r" (--report-dir[= ]('[^']*'|\S+)|'--report-dir=[^']*')")
"""The option as `shlex.join` writes it; a command without it does not overwrite this report."""


def findings(subjects: Iterable[Json]) -> Iterator[Json]:
    """Every finding with the name of its subject, but for hazards of the libraries, which stand in 'your stack'."""
    for subject in subjects:
        for finding in subject["findings"]:
            if not (finding.get("about") == "library" and finding["severity"] == "hazard"):
                yield finding | {"subject": subject["subject"]["name"]}


def severities(records: RunRecords, findings: Iterable[Json], keys: FilterKeys) -> list[Json]:
    """Findings by severity, then by check; those that are accepted or ignored, and decide nothing, come last."""
    by_severity: dict[str, dict[str, list[Json]]] = {}
    for finding in findings:
        shown = evidence.items(finding["evidence"])
        entry = finding | {"shown": shown, "keys": keys.of(finding["subject"], finding["variant"])}
        by_severity.setdefault(_section(finding), {}).setdefault(finding["check"], []).append(entry)
    return [
        {
            "outcome": OUTCOMES.get(name, SETTLED),
            "count": sum(map(len, by_severity[name].values())),
            "groups": [_group(records, check, same) for check, same in by_severity[name].items()],
        }
        for name in (*SEVERITIES, SETTLED.name)
        if name in by_severity
    ]


def _section(finding: Json) -> str:
    """The name of the section that shows a finding."""
    return SETTLED.name if finding.get("accepted") or finding.get("ignored") else str(finding["severity"])


def anchor(finding: Json) -> str:
    """The id of the element with the findings of one check and section; without spaces, and the same everywhere."""
    return f"{_section(finding)}-{zlib.crc32(finding['check'].encode('utf-8', 'surrogatepass')):x}"


def _group(records: RunRecords, check: str, findings: list[Json]) -> Json:
    """The findings of one check; a fix that they share is shown once."""
    fixes = {finding["fix"] for finding in findings}
    shared = fixes.pop() if len(fixes) == 1 and len(findings) > 1 else ""
    return {
        "check": check,
        "suite": check.partition("/")[0],
        "anchor": anchor(findings[0]),
        "info": records.catalog.get(check, {}),
        "findings": findings,
        "fix": shared,
    }


def steps(
    records: RunRecords, subjects: Sequence[Json], findings: Iterable[Json], changes: Sequence[Json]
) -> list[Json]:
    """The next steps, the most pressing first: each a sentence, with a link or a command."""
    every = [*_baseline(changes), *_by_check(findings), *_open(records), *_save_baseline(records, subjects, changes)]
    more = len(every) - STEPS
    return every[:STEPS] + ([{"do": f"{wording.count(more, 'more step')} below."}] if more > 0 else [])


def _baseline(changes: Sequence[Json]) -> Iterator[Json]:
    worse = kinds.worse(changes)
    if worse and not kinds.comparable(worse):
        yield {"do": "Save the baseline again: this run cannot be compared with it.", "link": "changes"}
    elif worse:
        yield {"do": f"Look at the {wording.count(len(worse), 'change')} for the worse first.", "link": "changes"}


def _by_check(findings: Iterable[Json]) -> Iterator[Json]:
    """Defects to fix, then hazards to know, each check once."""
    groups: dict[tuple[str, str], list[Json]] = {}
    for finding in findings:
        if not finding.get("accepted") and not finding.get("ignored"):
            groups.setdefault((finding["severity"], finding["check"]), []).append(finding)
    for (severity, check), same in sorted(
        groups.items(), key=lambda entry: (SEVERITIES.index(entry[0][0]), -len(entry[1]))
    ):
        models = {finding["subject"] for finding in same}
        where = f" ({wording.count(len(models), 'model')})" if len(models) > 1 else ""
        step = {"do": OUTCOMES[severity].step, "check": check, "where": where}
        yield step | {"how": same[0]["fix"], "link": anchor(same[0])}


def _open(records: RunRecords) -> Iterator[Json]:
    """Checks that gave no result."""
    errors = [check for check in records.checks if check.outcome == "error"]
    if errors:
        sentence = f"Run {wording.count(len(errors), 'check')} again that ended in an error."
        yield {"do": sentence, "link": "errors", "command": errors[0].reproduce if len(errors) == 1 else ""}
    if missing := len(records.missing()):
        sentence = f"Run again: {wording.count(missing, 'planned check')} left no result."
        yield {"do": sentence, "command": records.run.command}
    if unsupported := sum(check.outcome == "unsupported" for check in records.checks):
        sentence = f"{wording.count(unsupported, 'check')} could not run; the reasons say why."
        yield {"do": sentence, "link": "unsupported"}


def _save_baseline(records: RunRecords, subjects: Sequence[Json], changes: Sequence[Json]) -> Iterator[Json]:
    adopted = [subject for subject in subjects if subject["verdict"] in ADOPTING]
    if adopted and not changes and "--save-baseline" not in records.run.command:
        sentence = "Save this run as a baseline, so that the next upgrade shows its changes."
        yield {"do": sentence, "command": f"{REPORT_DIR.sub('', records.run.command)} --save-baseline baseline.json"}
