"""Named sequences of integers, such as token ids: packed in records and baselines, compared one by one.

A record holds {"version": of the input, "rules": {part: digest}, "packed": all sequences}, and "texts", packed too: the
texts that the names stand for, shown where a sequence changed. A baseline leaves the texts out.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports import wording
from reports.records.comparison import Change, compare_sets
from reports.records.to_json import Json

SHOWN = 8
"""Changed sequences that are shown, and integers shown of each."""

CHANGED = "sequences"
"""Kind of a change."""


def entry(
    values: Mapping[str, Sequence[int]], version: str, rules: Mapping[str, str], texts: Mapping[str, str]
) -> Json:
    """Returns the record of one set of sequences."""
    integers = {name: list(map(int, numbers)) for name, numbers in values.items()}
    packed = {"version": version, "rules": dict(rules), "packed": pack(integers)}
    return packed | ({"texts": pack(texts)} if texts else {})


def pack(value: Any) -> str:
    """Compressed JSON, in characters that need no escape in JSON."""
    return base64.b85encode(zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 9)).decode()


def unpack(packed: str) -> Any:
    return json.loads(zlib.decompress(base64.b85decode(packed)))


def without_texts(recorded: Mapping[str, Json]) -> dict[str, Json]:
    """The sequences of a check as a baseline holds them."""
    return {name: {part: value for part, value in each.items() if part != "texts"} for name, each in recorded.items()}


def changes(old: Mapping[str, Json], new: Mapping[str, Json], texts: Mapping[str, str]) -> Iterator[Change]:
    """Yields the changes between the sequences of one check; `texts` are packed, by the name of the set."""
    return compare_sets(old, new, lambda name, was, now: _compared(name, was, now, texts.get(name, "")))


def _compared(name: str, old: Json, new: Json, texts: str) -> Iterator[Change]:
    was, now = unpack(old["packed"]), unpack(new["packed"])
    rules = [rule for rule in old["rules"] | new["rules"] if old["rules"].get(rule) != new["rules"].get(rule)]
    before, after = (
        {"rules": {rule: each["rules"].get(rule) for rule in rules}} if rules else {} for each in (old, new)
    )
    if changed := [key for key in was | now if was.get(key) != now.get(key)]:
        totals, groups = Counter(map(group, was)), Counter(map(group, changed))
        after["changed"] = {each: f"{number} of {totals[each]}" for each, number in groups.items()}
        _add_examples(changed[:SHOWN], was, now, unpack(texts) if texts else {}, before, after)
        yield CHANGED, _summary(name, len(was), changed, after["changed"], rules, was, now), before, after


def group(key: str) -> str:
    """The part before the slash: `german` of `german/3`."""
    return key.partition("/")[0]


def _summary(
    name: str, total: int, changed: Sequence[str], groups: Mapping[str, str], rules: Sequence[str], was: Json, now: Json
) -> str:
    """The number of changes, their groups, the rules that changed, and the first difference."""
    first = changed[0]
    position = wording.first_difference(was.get(first, []), now.get(first, []))
    by_group = wording.names([f"{each} {number}" for each, number in _most_changed_first(groups)], 4)
    why = f"changed as well: {wording.names(rules, 8)}" if rules else "no rule changed, so the library did"
    many = f"{name} changed in {len(changed)} of {total}: {by_group}"
    return f"{many}; {why}; the first is {first}, from position {position}."


def _most_changed_first(groups: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(groups.items(), key=lambda each: -int(each[1].partition(" ")[0]))


def _add_examples(keys: Sequence[str], was: Json, now: Json, texts: Json, before: Json, after: Json) -> None:
    """Adds each sequence from shortly before its first difference, with its text on the older side."""
    for key in keys:
        one, other = was.get(key, []), now.get(key, [])
        position = wording.first_difference(one, other)
        start = max(0, position - 2)
        text = {"text": texts[key]} if key in texts else {}
        before[key] = text | {"differs at": position, f"from {start}": one[start : start + SHOWN]}
        after[key] = {"differs at": position, f"from {start}": other[start : start + SHOWN]}
