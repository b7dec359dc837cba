"""What checks keep of what they saw: renders, answers and outputs, by name, so that a later run can tell what changed.

A record holds {"kind": one of KINDS, "version": of the inputs, "tolerance": share, "values": {name: value}}. A value
is JSON. A render is a text, compared exactly. An output is {"means": text, "answer": JSON}, its numbers compared within
`tolerance`. An answer is {"text", "ids", "close"}, where `close` lists the positions at which two tokens were within
rounding of each other. "by" says what made them where that may differ from version to version.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports import wording
from reports.records import to_json
from reports.records.schema import Json
from reports.records.sequences import INCOMPARABLE, NOTE, Change, parting

KINDS = ("renders", "outputs", "answers")
NEAR_TIE = "near-tie"
"""A greedy text that parts where two tokens were all but equal: a change, and no defect."""

LONGEST = 4000
"""Characters of a text that are kept; a longer one is told apart by its digest."""
SHOWN = 6
"""Changed values that are shown of a set."""
SMALLEST = 1e-3
"""Scores below this share of the largest beside them are compared absolutely: they are rounding themselves."""


def entry(kind: str, values: Mapping[str, Any], version: str, tolerance: float, by: str = "") -> Json:
    """What a record holds of one set; a wrong kind is the mistake of a check and told at once."""
    if kind not in KINDS:
        raise ValueError(f"kept values are of kind {', '.join(KINDS)}, not {kind!r}")
    small = {name: _small(to_json.plain(value)) for name, value in values.items()}
    told = {"kind": kind, "version": version, "tolerance": tolerance}
    return told | ({"by": by} if by else {}) | {"values": small}


def _small(value: Any) -> Any:
    """Numbers with six digits, long texts by their beginning, length and digest."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, str) and len(value) > LONGEST:
        digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{value[:LONGEST]}… [{len(value)} characters, sha256 {digest}]"
    if isinstance(value, dict):
        return {name: _small(each) for name, each in value.items()}
    return [_small(each) for each in value] if isinstance(value, list) else value


def changes(old: Mapping[str, Json], new: Mapping[str, Json]) -> Iterator[Change]:
    """What became of the kept sets of one check: kind, summary, before and after."""
    for name, now in new.items():
        if name not in old:
            yield NOTE, f"{name}: the baseline holds none to compare with, save it again with --save-baseline.", {}, {}
        elif (was := old[name])["version"] != now["version"]:
            summary = f"Not comparable: {name} are of version {was['version']} in the baseline, {now['version']} now."
            yield INCOMPARABLE, summary, {"version": was["version"]}, {"version": now["version"]}
        else:
            yield from _compared(name, was, now)
    for name in old.keys() - new.keys():
        yield "disappeared", f"{name} were recorded before and not now.", {"version": old[name]["version"]}, {}


def _compared(name: str, old: Json, new: Json) -> Iterator[Change]:
    was, now = old["values"], new["values"]
    tolerance = max(old["tolerance"], new["tolerance"])
    differing = {key: told for key in was | now if (told := _told(new["kind"], was, now, key, tolerance))}
    for kind in (new["kind"], NEAR_TIE):
        found = {key: words for key, (its_kind, words) in differing.items() if its_kind == kind}
        if found:
            first, words = next(iter(found.items()))
            summary = f"{name} changed in {len(found)} of {len(was | now)}; the first is {first}: {words}."
            if old.get("by") != new.get("by"):
                summary += f" They were made by {old.get('by')} before and by {new.get('by')} now, so this may be ours."
                kind = NOTE
            keys = list(found)[:SHOWN]
            shown = [{key: _shown(each.get(key)) for key in keys} for each in (was, now)]
            yield kind, summary, shown[0] | _diff(was, keys, now, side=0), shown[1] | _diff(was, keys, now, side=1)


def _told(kind: str, was: Json, now: Json, key: str, tolerance: float) -> tuple[str, str] | None:
    """The kind of a change and how it differs, in words; None where nothing changed."""
    if key not in was or key not in now:
        return kind, "it is there on one side only"
    if kind == "answers":
        return _answer(was[key], now[key])
    words = _output(was[key], now[key], tolerance) if kind == "outputs" else _render(was[key], now[key])
    return (kind, words) if words else None


def _render(one: str, other: str) -> str:
    return "" if one == other else f"was {_around(one, other)}"


def _output(one: Any, other: Any, tolerance: float) -> str:
    """By what it means where that changed; a meaning that changed within the tolerance of scores is no change."""
    words = next(_differences(one["answer"], other["answer"], tolerance, "the answer"), "")
    if words and one["means"] != other["means"]:
        return f"was {_around(one['means'], other['means'])}"
    return words


def _answer(was: Any, now: Any) -> tuple[str, str] | None:
    """Greedy texts, by their ids: where they part, and whether that was a near-tie."""
    if was["ids"] == now["ids"] and was["text"] == now["text"]:
        return None
    place = parting(was["ids"], now["ids"])
    words = f"was {_around(was['text'], now['text'])} (from new token {place})"
    if was["ids"] == now["ids"]:
        return "answers", f"the same tokens read {_around(was['text'], now['text'])}"
    if place in (was.get("close") or ()) or place in (now.get("close") or ()):
        return NEAR_TIE, f"{words}, where two tokens are equal within rounding"
    return "answers", words


def _differences(one: Any, other: Any, tolerance: float, place: str) -> Iterator[str]:
    if isinstance(one, str) and isinstance(other, str):
        if one != other:
            yield f"{place} was {_around(one, other)}"
    elif _number(one) and _number(other):
        if abs(one - other) > tolerance * max(abs(one), abs(other), SMALLEST):
            yield f"{place} was {wording.number(one)}, is {wording.number(other)}"
    elif isinstance(one, list) and isinstance(other, list):
        yield from _lists(one, other, tolerance, place)
    elif isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            yield f"{place} had the keys {', '.join(one)}, has {', '.join(other)}"
        for key in one.keys() & other.keys():
            yield from _differences(one[key], other[key], tolerance, f"{place}[{key!r}]")
    elif one != other:
        yield f"{place} was {_cut(str(one))}, is {_cut(str(other))}"


def _lists(one: Sequence[Any], other: Sequence[Any], tolerance: float, place: str) -> Iterator[str]:
    """Rows of numbers are measured by their largest; everything else, entry by entry, in the order of no rounding."""
    if len(one) != len(other):
        yield f"{place} had {len(one)} entries, has {len(other)}"
    elif one and all(map(_number, [*one, *other])):
        apart = max(abs(a - b) for a, b in zip(one, other, strict=True))
        if apart > tolerance * max(*map(abs, [*one, *other]), SMALLEST):
            yield f"{place} moved by up to {wording.number(apart)}"
    else:
        for number, pair in enumerate(zip(_unranked(one), _unranked(other), strict=True)):
            yield from _differences(*pair, tolerance, f"{place}[{number}]")


def _unranked(entries: Sequence[Any]) -> Sequence[Any]:
    """Entries with scores, in the order of everything but the scores, since equal ones come in any order."""
    if not all(isinstance(entry, dict) and "score" in entry for entry in entries):
        return entries
    return sorted(
        entries, key=lambda entry: to_json.dumps({n: v for n, v in entry.items() if not _number(v)}, sort=True)
    )


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _around(one: str, other: str, width: int = 24) -> str:
    """Both texts from a little before where they part."""
    place = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    start = max(0, place - width // 2)
    return f"{_quoted(one, start, width)}, is {_quoted(other, start, width)}"


def _quoted(words: str, start: int, width: int) -> str:
    end = start + 2 * width
    return ("…" if start else "") + repr(words[start:end]) + ("…" if end < len(words) else "")


def _cut(words: str) -> str:
    return words if len(words) <= 60 else words[:59] + "…"


def _shown(value: Any) -> Any:
    """An answer as its text; everything else as it is."""
    if isinstance(value, dict) and "means" in value:
        return (
            value["means"] if isinstance(value["answer"], list) and len(str(value["answer"])) > 400 else value["answer"]
        )
    return value["text"] if isinstance(value, dict) and "ids" in value else value


def _diff(was: Json, keys: Sequence[str], now: Json, *, side: int) -> Json:
    """On the later side, the first changed text as a unified diff, for people to read."""
    texts = [_shown(each.get(keys[0])) for each in (was, now)]
    if not side or not all(isinstance(each, str) and "\n" in each for each in texts):
        return {}
    before, after = (each.splitlines() for each in texts)
    return {"diff": "\n".join(list(difflib.unified_diff(before, after, "before", "after", lineterm="", n=1))[:40])}
