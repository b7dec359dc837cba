"""Observations: renders, answers and outputs that a check saw, compared with those of a later run.

A record holds {"kind": one of KINDS, "version": of the inputs, "tolerance": share, "values": {name: value}}, and "by":
the code that made them, where that may differ from version to version. A value is JSON:
- a render is a text, compared exactly;
- an output is {"means": text, "answer": JSON}, its numbers compared within `tolerance`;
- an answer is {"text", "ids", "close"}; `close` lists the positions at which two tokens were equal within rounding.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports import wording
from reports.records import to_json
from reports.records.comparison import NOTE, Change, compare_sets
from reports.records.to_json import Json, is_number

KINDS = ("renders", "outputs", "answers")
NEAR_TIE = "near-tie"
"""Kind of a change: greedy answers that differ from where two tokens were all but equal; no defect."""

LONGEST = 4000
"""Characters of a text that are recorded; longer texts are compared by their digest."""
SHOWN = 6
"""Changed values of a set that are shown."""
SMALLEST = 1e-3
"""Scores below this share of the largest one are compared absolutely: at that size they are rounding error."""


def entry(kind: str, values: Mapping[str, Any], version: str, tolerance: float, by: str = "") -> Json:
    """Returns the record of one set of observations.

    Raises:
        ValueError: the check called it with an unknown kind.
    """
    if kind not in KINDS:
        raise ValueError(f"observations are of kind {', '.join(KINDS)}, not {kind!r}")
    short = {name: _shortened(to_json.plain(value)) for name, value in values.items()}
    about = {"kind": kind, "version": version, "tolerance": tolerance}
    return about | ({"by": by} if by else {}) | {"values": short}


def _shortened(value: Any) -> Any:
    """Numbers with six digits; of long texts the beginning, the length and a digest."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, str) and len(value) > LONGEST:
        digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{value[:LONGEST]}… [{len(value)} characters, sha256 {digest}]"
    if isinstance(value, dict):
        return {name: _shortened(each) for name, each in value.items()}
    return [_shortened(each) for each in value] if isinstance(value, list) else value


def changes(old: Mapping[str, Json], new: Mapping[str, Json]) -> Iterator[Change]:
    """Yields the changes between the observations of one check."""
    return compare_sets(old, new, _compared)


def _compared(name: str, old: Json, new: Json) -> Iterator[Change]:
    was, now = old["values"], new["values"]
    tolerance = max(old["tolerance"], new["tolerance"])
    differences = {
        key: difference for key in was | now if (difference := _difference(new["kind"], was, now, key, tolerance))
    }
    for kind in (new["kind"], NEAR_TIE):
        described = {key: words for key, (its_kind, words) in differences.items() if its_kind == kind}
        if described:
            first, words = next(iter(described.items()))
            summary = f"{name} changed in {len(described)} of {len(was | now)}; the first is {first}: {words}."
            if old.get("by") != new.get("by"):
                summary += f" They were made by {old.get('by')} before and by {new.get('by')} now,"
                summary += " so the model may be unchanged."
                kind = NOTE
            keys = list(described)[:SHOWN]
            before, after = ({key: _shown(each.get(key)) for key in keys} for each in (was, now))
            yield kind, summary, before, after | _diff(was, now, keys[0])


def _difference(kind: str, was: Json, now: Json, key: str, tolerance: float) -> tuple[str, str] | None:
    """The kind of a change and its description; None if nothing changed."""
    if key not in was or key not in now:
        return kind, "it is on one side only"
    if kind == "answers":
        return _answer(was[key], now[key])
    words = _output(was[key], now[key], tolerance) if kind == "outputs" else _render(was[key], now[key])
    return (kind, words) if words else None


def _render(one: str, other: str) -> str:
    return "" if one == other else f"was {_both_texts(one, other)}"


def _output(one: Any, other: Any, tolerance: float) -> str:
    """Describes a change by the meaning if that changed; a meaning that changed within the tolerance is no change."""
    words = next(_value_differences(one["answer"], other["answer"], tolerance, "the answer"), "")
    if words and one["means"] != other["means"]:
        return f"was {_both_texts(one['means'], other['means'])}"
    return words


def _answer(was: Any, now: Any) -> tuple[str, str] | None:
    """Compares greedy answers by their ids: the first difference, and whether it is a near-tie."""
    if was["ids"] == now["ids"] and was["text"] == now["text"]:
        return None
    if was["ids"] == now["ids"]:
        return "answers", f"the same tokens read {_both_texts(was['text'], now['text'])}"
    position = wording.first_difference(was["ids"], now["ids"])
    words = f"was {_both_texts(was['text'], now['text'])} (from new token {position})"
    if position in (was.get("close") or ()) or position in (now.get("close") or ()):
        return NEAR_TIE, f"{words}, where two tokens are equal within rounding"
    return "answers", words


def _value_differences(one: Any, other: Any, tolerance: float, path: str) -> Iterator[str]:
    if isinstance(one, str) and isinstance(other, str):
        if one != other:
            yield f"{path} was {_both_texts(one, other)}"
    elif is_number(one) and is_number(other):
        if abs(one - other) > tolerance * max(abs(one), abs(other), SMALLEST):
            yield f"{path} was {wording.number(one)}, is {wording.number(other)}"
    elif isinstance(one, list) and isinstance(other, list):
        yield from _list_differences(one, other, tolerance, path)
    elif isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            yield f"{path} had the keys {', '.join(one)}, has {', '.join(other)}"
        for key in one.keys() & other.keys():
            yield from _value_differences(one[key], other[key], tolerance, f"{path}[{key!r}]")
    elif one != other:
        yield f"{path} was {_clipped(str(one))}, is {_clipped(str(other))}"


def _list_differences(one: Sequence[Any], other: Sequence[Any], tolerance: float, path: str) -> Iterator[str]:
    """Compares rows of numbers relative to their largest entry, other lists entry by entry."""
    if len(one) != len(other):
        yield f"{path} had {len(one)} entries, has {len(other)}"
    elif one and all(map(is_number, [*one, *other])):
        moved = max(abs(a - b) for a, b in zip(one, other, strict=True))
        if moved > tolerance * max(*map(abs, [*one, *other]), SMALLEST):
            yield f"{path} moved by up to {wording.number(moved)}"
    else:
        for index, pair in enumerate(zip(_without_rank(one), _without_rank(other), strict=True)):
            yield from _value_differences(*pair, tolerance, f"{path}[{index}]")


def _without_rank(entries: Sequence[Any]) -> Sequence[Any]:
    """Sorts scored entries by their other fields, because entries with equal scores may come in any order."""
    if not all(isinstance(entry, dict) and "score" in entry for entry in entries):
        return entries

    def other_fields(entry: Json) -> str:
        return to_json.dumps({name: value for name, value in entry.items() if not is_number(value)}, sort=True)

    return sorted(entries, key=other_fields)


def _both_texts(one: str, other: str, width: int = 24) -> str:
    """Both texts from shortly before their first difference."""
    start = max(0, wording.first_difference(one, other) - width // 2)
    return f"{_quoted(one, start, width)}, is {_quoted(other, start, width)}"


def _quoted(text: str, start: int, width: int) -> str:
    end = start + 2 * width
    return ("…" if start else "") + repr(text[start:end]) + ("…" if end < len(text) else "")


def _clipped(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


def _shown(value: Any) -> Any:
    """The text of an answer; the meaning of an output whose answer is long; other values as they are."""
    if isinstance(value, dict) and "means" in value:
        long = isinstance(value["answer"], list) and len(str(value["answer"])) > 400
        return value["means"] if long else value["answer"]
    return value["text"] if isinstance(value, dict) and "ids" in value else value


def _diff(was: Json, now: Json, key: str) -> Json:
    """A unified diff of one pair of texts, if both have several lines."""
    texts = [_shown(each.get(key)) for each in (was, now)]
    if not all(isinstance(each, str) and "\n" in each for each in texts):
        return {}
    before, after = (each.splitlines() for each in texts)
    return {"diff": "\n".join(list(difflib.unified_diff(before, after, "before", "after", lineterm="", n=1))[:40])}
