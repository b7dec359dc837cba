"""Named sequences of integers, such as token ids: kept small in records and baselines, and compared line by line.

A check records {"version": what the sequences were taken over, "rules": {part: digest}, "packed": all of them}, and
"texts", packed too, which a baseline leaves out: texts that stand for the names, to be shown where one changed.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports import wording
from reports.records.schema import Json

SHOWN = 8
"""Changed sequences that are shown, and integers of each from where it changed."""

CHANGED, NOTE, INCOMPARABLE = "sequences", "note", "not comparable"
"""Kinds of a change."""

Change = tuple[str, str, Json, Json]
"""Kind, summary, before and after."""


def entry(
    values: Mapping[str, Sequence[int]], version: str, rules: Mapping[str, str], texts: Mapping[str, str]
) -> Json:
    """What a record holds of one set of sequences."""
    whole = {name: list(map(int, numbers)) for name, numbers in values.items()}
    return {"version": version, "rules": dict(rules), "packed": pack(whole)} | ({"texts": pack(texts)} if texts else {})


def pack(value: Any) -> str:
    """JSON, compressed, in letters that need no escape in JSON."""
    return base64.b85encode(zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 9)).decode()


def unpack(packed: str) -> Any:
    return json.loads(zlib.decompress(base64.b85decode(packed)))


def kept(recorded: Mapping[str, Json]) -> dict[str, Json]:
    """What a baseline keeps of the sequences of a check."""
    return {name: {part: value for part, value in each.items() if part != "texts"} for name, each in recorded.items()}


def changes(old: Mapping[str, Json], new: Mapping[str, Json], texts: Mapping[str, str]) -> Iterator[Change]:
    """What became of the sequences of one check; texts are packed, by the name of the set."""
    for name, now in new.items():
        if name in old:
            yield from _compared(name, old[name], now, texts.get(name, ""))
        else:
            mend = "save it again with --save-baseline"
            yield NOTE, f"{name}: the baseline holds none to compare with, {mend}.", {}, {"version": now["version"]}
    for name in old.keys() - new.keys():
        yield "disappeared", f"{name} were recorded before and not now.", {"version": old[name]["version"]}, {}


def _compared(name: str, old: Json, new: Json, texts: str) -> Iterator[Change]:
    if old["version"] != new["version"]:
        summary = f"Not comparable: {name} are of version {old['version']} in the baseline, {new['version']} now."
        yield INCOMPARABLE, summary, {"version": old["version"]}, {"version": new["version"]}
        return
    was, now = unpack(old["packed"]), unpack(new["packed"])
    rules = [rule for rule in old["rules"] | new["rules"] if old["rules"].get(rule) != new["rules"].get(rule)]
    before, after = (
        {"rules": {rule: each["rules"].get(rule) for rule in rules}} if rules else {} for each in (old, new)
    )
    if changed := [key for key in was | now if was.get(key) != now.get(key)]:
        totals, groups = Counter(map(group, was)), Counter(map(group, changed))
        after["changed"] = {each: f"{many} of {totals[each]}" for each, many in groups.items()}
        _show(changed[:SHOWN], was, now, unpack(texts) if texts else {}, before, after)
        yield CHANGED, _summary(name, len(was), changed, after["changed"], rules, was, now), before, after


def group(key: str) -> str:
    """What stands before the slash: `german` of `german/3`."""
    return key.partition("/")[0]


def _summary(
    name: str, total: int, changed: Sequence[str], groups: Mapping[str, str], rules: Sequence[str], was: Json, now: Json
) -> str:
    """How many changed, where most, through what, and where the first two part."""
    first = changed[0]
    where = parting(was.get(first, []), now.get(first, []))
    by_group = wording.names([f"{each} {many}" for each, many in _most(groups)], 4)
    why = f"changed as well: {wording.names(rules, 8)}" if rules else "no rule changed, so the library did"
    return (
        f"{name} changed in {len(changed)} of {total}: {by_group}; {why}; the first is {first}, from position {where}."
    )


def _most(groups: Mapping[str, str]) -> list[tuple[str, str]]:
    """The groups with the most changes first."""
    return sorted(groups.items(), key=lambda each: -int(each[1].partition(" ")[0]))


def _show(keys: Sequence[str], was: Json, now: Json, texts: Json, before: Json, after: Json) -> None:
    """Adds each sequence from a little before where it changed, with its text on the older side."""
    for key in keys:
        one, other = was.get(key, []), now.get(key, [])
        where = parting(one, other)
        start = max(0, where - 2)
        words = {"text": texts[key]} if key in texts else {}
        before[key] = words | {"parts at": where, f"from {start}": one[start : start + SHOWN]}
        after[key] = {"parts at": where, f"from {start}": other[start : start + SHOWN]}


def parting(one: Sequence[int], other: Sequence[int]) -> int:
    """The first position at which two sequences differ."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))
