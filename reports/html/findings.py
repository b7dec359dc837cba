"""The findings, by severity and check, and what to do about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reports import wording
from reports.baseline import file
from reports.html import evidence
from reports.html.filter_keys import Places
from reports.records.schema import Json, Trial

FULL = 400
"""Findings shown with their evidence; the rest are counted and left to verdict.json."""

STEPS = 8

SEVERITIES = {
    "defect": ("Defects", "silently wrong results, or a broken declaration"),
    "hazard": ("Hazards", "works here, but a common use goes wrong"),
}


def findings(cases: Iterable[Json]) -> Iterator[Json]:
    """Every finding with its subject."""
    for case in cases:
        for finding in case["findings"]:
            yield finding | {"subject": case["subject"]["name"]}


def severities(trial: Trial, found: Iterable[Json], places: Places) -> list[Json]:
    """Severity, then check, then the findings of that check, each said once."""
    sorted_out: dict[str, dict[str, list[Json]]] = {}
    for finding in found:
        shown = evidence.items(finding["evidence"])
        entry = finding | {"shown": shown, "keys": places.keys(finding["subject"], finding["variant"])}
        sorted_out.setdefault(finding["severity"], {}).setdefault(finding["check"], []).append(entry)
    return [
        {
            "name": severity,
            "title": title,
            "meaning": meaning,
            "count": sum(map(len, sorted_out[severity].values())),
            "groups": [_group(trial, check, same) for check, same in sorted_out[severity].items()],
        }
        for severity, (title, meaning) in SEVERITIES.items()
        if severity in sorted_out
    ]


def anchor(finding: Json) -> str:
    """Where the findings of one check and severity stand; ids hold no space."""
    return f"{finding['severity']}-{abs(hash_of(finding['check'])):x}"


def hash_of(value: str) -> int:
    """The same in every process, unlike `hash`."""
    import zlib

    return zlib.crc32(value.encode("utf-8", "surrogatepass"))


def _group(trial: Trial, check: str, found: list[Json]) -> Json:
    """One check; a remedy that all its findings share is told once."""
    remedies = {finding["remedy"] for finding in found}
    shared = remedies.pop() if len(remedies) == 1 and len(found) > 1 else ""
    return {
        "check": check,
        "suite": check.partition("/")[0],
        "anchor": anchor(found[0]),
        "info": trial.catalog.get(check, {}),
        "findings": found,
        "remedy": shared,
    }


def steps(trial: Trial, cases: Sequence[Json], found: Iterable[Json], changes: Sequence[Json]) -> list[Json]:
    """What to do next, the most pressing first: each a sentence, with where to read on or a command."""
    told = [*_compare_again(changes), *_mend(found), *_finish(trial), *_judge(trial, cases, changes)]
    more = len(told) - STEPS
    return told[:STEPS] + ([{"do": f"{wording.count(more, 'more step')} below."}] if more > 0 else [])


def _compare_again(changes: Sequence[Json]) -> Iterator[Json]:
    worse = file.worse(changes)
    if worse and not file.comparable(worse):
        yield {"do": "Save the baseline again: this run cannot be compared with it.", "link": "changes"}
    elif worse:
        yield {"do": f"Look at the {wording.count(len(worse), 'change')} for the worse first.", "link": "changes"}


def _mend(found: Iterable[Json]) -> Iterator[Json]:
    """Defects to mend, then hazards to know, each check once."""
    groups: dict[tuple[str, str], list[Json]] = {}
    for finding in found:
        if not finding.get("accepted") and not finding.get("ignored"):
            groups.setdefault((finding["severity"], finding["check"]), []).append(finding)
    for (severity, check), same in sorted(groups.items(), key=lambda entry: (entry[0][0] != "defect", -len(entry[1]))):
        models = {finding["subject"] for finding in same}
        where = f" ({wording.count(len(models), 'model')})" if len(models) > 1 else ""
        word = "Mend" if severity == "defect" else "Mind"
        yield {"do": word, "check": check, "where": where, "how": same[0]["remedy"], "link": anchor(same[0])}


def _finish(trial: Trial) -> Iterator[Json]:
    """What this run left open."""
    errors = [check for check in trial.checks if check.outcome == "error"]
    if errors:
        what = f"Run again what the machine failed at: {wording.count(len(errors), 'check')}."
        yield {"do": what, "link": "errors", "command": errors[0].reproduce if len(errors) == 1 else ""}
    if missing := len(trial.missing()):
        yield {
            "do": f"Run again: {wording.count(missing, 'planned check')} left no result.",
            "command": trial.run.command,
        }
    if open_ := sum(check.outcome == "unsupported" for check in trial.checks):
        what = f"{wording.count(open_, 'check')} could not run here; the reasons say what they need."
        yield {"do": what, "link": "unsupported"}


def _judge(trial: Trial, cases: Sequence[Json], changes: Sequence[Json]) -> Iterator[Json]:
    good = [case for case in cases if case["verdict"].startswith("adopt")]
    if good and not changes and "--save-baseline" not in trial.run.command:
        what = "Keep this run as a baseline, so that the next upgrade shows what it changes."
        yield {"do": what, "command": f"{trial.run.command} --save-baseline baseline.json"}
