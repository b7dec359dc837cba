"""A change between two runs: its kind, which says whether it is for the worse, and where it occurred."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reports import wording
from reports.records import comparison, observations, sequences
from reports.records.to_json import Json

NOTE, INCOMPARABLE, NEAR_TIE = comparison.NOTE, comparison.INCOMPARABLE, observations.NEAR_TIE

WORSE = (
    INCOMPARABLE,
    "newly failing",
    "no longer tried",
    "disappeared",
    "capability lost",
    "capability changed",
    sequences.CHANGED,
    *observations.KINDS,
    "metric",
)
"""Kinds for the worse, which fail a run, in the order in which they are reported."""

HARMLESS = (NEAR_TIE, "newly tried", "appeared", "newly passing", "capability gained", "metric improved", NOTE)
"""Kinds that are reported and fail nothing."""

GROUPED = ("disappeared", "appeared", "no longer tried", "newly tried", "newly failing", "newly passing", NOTE)
"""Kinds of which one sentence may hold for many checks."""

ORDER = {kind: position for position, kind in enumerate((*WORSE, *HARMLESS))}


def change(kind: str, entry: Json, summary: str, before: object, after: object) -> Json:
    """Returns a change as JSON.

    Args:
        entry: where it occurred: the entry of a check, {"subject": name}, or {} for the run.
    """
    where = {name: entry[name] for name in ("variant", "parameters") if entry.get(name)}
    about = {"kind": kind, "worse": kind in WORSE, "check": entry.get("check", ""), "subject": entry.get("subject", "")}
    return about | where | {"summary": summary, "before": before or {}, "after": after or {}}


def worse(changes: Iterable[Json]) -> list[Json]:
    """The changes for the worse."""
    return [each for each in changes if each.get("kind") not in HARMLESS]


def comparable(changes: Sequence[Json]) -> bool:
    return not any(each.get("kind") == INCOMPARABLE for each in changes)


def ordered(changes: Iterable[Json]) -> list[Json]:
    """The worst kinds first; stable within a kind."""
    return sorted(changes, key=lambda each: ORDER.get(each["kind"], 0))


def counted(changes: Sequence[Json]) -> str:
    """The number of changes of each kind, the worst first: `3 newly failing, 1 renders`."""
    kinds = dict.fromkeys(each["kind"] for each in ordered(changes))
    return ", ".join(f"{sum(each['kind'] == kind for each in changes)} {kind}" for kind in kinds)


def reservation(name: str, changes: Iterable[Json]) -> str:
    """The words to add to the verdict on a subject that is worse than before or was not compared; else empty."""
    bad = [each for each in worse(changes) if each.get("subject") in (name, None, "")]
    if not bad:
        return ""
    if not comparable(bad):
        return "not comparable with the baseline"
    return f"{wording.count(len(bad), 'change')} for the worse since the baseline"


def location(change: Json) -> str:
    """Location of a change: check, subject, variant and parameters."""
    how = (wording.variant(change.get("variant") or {}), wording.parameters(change.get("parameters") or {}))
    parts = (change.get("check"), change.get("subject"), *how)
    return wording.line(" · ".join(str(part) for part in parts if part))


def grouped(changes: Sequence[Json]) -> list[Json]:
    """Merges changes of many checks that are one fact, such as a task that is gone, into one with the checks' ids."""
    groups: dict[tuple[object, ...], list[Json]] = {}
    for number, each in enumerate(changes):
        same = (each["kind"], each["subject"], str(each.get("variant")), str(each.get("parameters")), each["summary"])
        groups.setdefault(same if each["check"] and each["kind"] in GROUPED else (number,), []).append(each)
    return [_merged(group) for group in groups.values()]


def _merged(group: list[Json]) -> Json:
    if len(group) == 1:
        return group[0]
    checks = [each["check"] for each in group]
    summary = f"{wording.count(len(group), 'check')} ({wording.names(checks, 4)}): {group[0]['summary']}"
    return group[0] | {"check": "", "checks": checks, "summary": summary}
