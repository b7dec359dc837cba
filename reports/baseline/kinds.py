"""A change between two runs: its kind, which says whether it is for the worse, and where it was seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reports import wording
from reports.records import observations, sequences
from reports.records.schema import Json

NOTE, INCOMPARABLE, NEAR_TIE = sequences.NOTE, sequences.INCOMPARABLE, observations.NEAR_TIE

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
"""Kinds that a gate fails on, in the order in which they are told."""

HARMLESS = (NEAR_TIE, "newly tried", "appeared", "newly passing", "capability gained", "metric improved", NOTE)
"""Kinds that are told and fail nothing."""

TOGETHER = ("disappeared", "appeared", "no longer tried", "newly tried", "newly failing", "newly passing", NOTE)
"""Kinds of which one sentence may hold for many checks."""

ORDER = {kind: place for place, kind in enumerate((*WORSE, *HARMLESS))}


def change(kind: str, entry: Json, summary: str, before: object, after: object) -> Json:
    """The JSON of a change that was seen in a check's entry, or in {"subject": name}, or in a run: {}."""
    where = {name: entry[name] for name in ("variant", "parameters") if entry.get(name)}
    told = {"kind": kind, "worse": kind in WORSE, "check": entry.get("check", ""), "subject": entry.get("subject", "")}
    return told | where | {"summary": summary, "before": before or {}, "after": after or {}}


def worse(changes: Iterable[Json]) -> list[Json]:
    """The changes that a gate should fail on."""
    return [each for each in changes if each.get("kind") not in HARMLESS]


def comparable(changes: Sequence[Json]) -> bool:
    return not any(each.get("kind") == INCOMPARABLE for each in changes)


def ordered(changes: Iterable[Json]) -> list[Json]:
    """The worst kinds first; within a kind as they were found."""
    return sorted(changes, key=lambda each: ORDER.get(each["kind"], 0))


def counted(changes: Sequence[Json]) -> str:
    """`3 newly failing, 1 renders`: how many of each kind, the worst first."""
    kinds = dict.fromkeys(each["kind"] for each in ordered(changes))
    return ", ".join(f"{sum(each['kind'] == kind for each in changes)} {kind}" for kind in kinds)


def reservation(name: str, changes: Iterable[Json]) -> str:
    """What a verdict on a subject must not hide: that it is worse than before, or was not compared; else empty."""
    bad = [each for each in worse(changes) if each.get("subject") in (name, None, "")]
    if not bad:
        return ""
    if not comparable(bad):
        return "not comparable with the baseline"
    return f"{wording.count(len(bad), 'change')} for the worse since the baseline"


def place(change: Json) -> str:
    """Where a change was seen: check, subject, variant and parameters."""
    how = (wording.variant(change.get("variant") or {}), wording.parameters(change.get("parameters") or {}))
    parts = (change.get("check"), change.get("subject"), *how)
    return wording.line(" · ".join(str(part) for part in parts if part))


def grouped(changes: Sequence[Json]) -> list[Json]:
    """Changes of many checks that are one fact, such as a task that is gone, told once with the checks' names."""
    together: dict[tuple[object, ...], list[Json]] = {}
    for number, each in enumerate(changes):
        whole = each["check"] and each["kind"] in TOGETHER
        what = (each["kind"], each["subject"], str(each.get("variant")), str(each.get("parameters")), each["summary"])
        together.setdefault(what if whole else (number,), []).append(each)
    return [_one(group) for group in together.values()]


def _one(group: list[Json]) -> Json:
    if len(group) == 1:
        return group[0]
    checks = [each["check"] for each in group]
    summary = f"{wording.count(len(group), 'check')} ({wording.names(checks, 4)}): {group[0]['summary']}"
    return group[0] | {"check": "", "checks": checks, "summary": summary}
