"""What changed from one run to another, check by check. Pure functions over the contents of two baselines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reports import wording
from reports.baseline.kinds import INCOMPARABLE, NOTE, change, grouped, ordered
from reports.records import observations, schema, sequences, to_json
from reports.records.capabilities import REJECTIONS, lacking
from reports.records.schema import Json

EFFECT = 0.01
"""Smallest relative change of a metric that is worth a word, even when the intervals are disjoint; the metric may
name a larger one of its own."""

RANK = {"pass": 0, "hazard": 1, "unsupported": 2, "error": 3, "defect": 4}
"""An outcome of higher rank than before is a change for the worse."""

NOT_PROBED = "not probed"
CONDITIONS = ("device", "profile", "seed")
"""Fields of a run that decide whether another one can be compared with it at all."""


def compare(before: Json, now: Json, *, allow: bool = False) -> list[Json]:
    """Every change between two contents of baselines, the worst first.

    Runs under other conditions are not comparable, and nothing else is said; with `allow` they are compared anyway,
    and every difference of the conditions becomes a note.
    """
    blocked = [*_mismatch(before["run"], now["run"], allow)]
    if blocked and not allow:
        return blocked
    lost = list(_lost_variants(before, now, allow))
    if allow:
        before = _as_variants_of(before, now)
    told = [*blocked, *_libraries(before, now), *lost, *_subjects(before, now), *_checks(before, now, lost)]
    return ordered(grouped(told))


def _mismatch(before: Json, now: Json, allow: bool) -> Iterator[Json]:
    for field in CONDITIONS:
        old, new = (str(run[field]).partition(":")[0] for run in (before, now))
        if old != new:
            told = f"the baseline was taken with {field} {old}, this run with {new}."
            yield _unlike(
                f"Not comparable: {told}", f"Compared, although {told}", {}, {field: old}, {field: new}, allow
            )


def _unlike(refusal: str, note: str, entry: Json, before: object, after: object, allow: bool) -> Json:
    return change(NOTE, entry, note, before, after) if allow else change(INCOMPARABLE, entry, refusal, before, after)


def _libraries(before: Json, now: Json) -> Iterator[Json]:
    """Other versions are what an upgrade is about: named once, so that the other changes can be read by them."""
    was, is_ = before["run"].get("versions", {}), now["run"].get("versions", {})
    if differing := [name for name in was | is_ if was.get(name) != is_.get(name)]:
        words = [f"{name} {was.get(name, 'none')} → {is_.get(name, 'none')}" for name in differing]
        sides = [{name: each.get(name) for name in differing} for each in (was, is_)]
        yield change(NOTE, {}, f"The versions differ: {', '.join(words)}.", *sides)


def _lost_variants(before: Json, now: Json, allow: bool) -> Iterator[Json]:
    """Variants of the baseline that this run did not load at all: another dtype, another quantization."""
    old, new = _variants(before), _variants(now)
    for subject, variants in old.items():
        for name in sorted(set(variants) - set(new.get(subject, variants))):
            told = f"the baseline has {wording.variant(variants[name])}, this run did not load it."
            loaded = list(new[subject].values())
            entry = {"subject": subject, "variant": {}}
            yield _unlike(f"Not comparable: {told}", f"Compared, although {told}", entry, variants[name], loaded, allow)


def _variants(content: Json) -> dict[str, dict[str, Json]]:
    variants: dict[str, dict[str, Json]] = {}
    for entry in content["checks"]:
        if entry["variant"]:
            variant = _placed(entry["variant"])
            variants.setdefault(entry["subject"], {})[to_json.dumps(variant, sort=True)] = variant
    return variants


def _placed(variant: Json) -> Json:
    """The variant on a kind of device: `cuda:1` is compared with `cuda:0`."""
    return variant | {"device": str(variant["device"]).partition(":")[0]} if "device" in variant else variant


def _as_variants_of(before: Json, now: Json) -> Json:
    """The older side with its one variant named as the newer side's, where each side has one of its own."""
    old, new = _variants(before), _variants(now)
    names = {}
    for subject in old.keys() & new.keys():
        mine, yours = ({*one} - {*other} for one, other in ((old[subject], new[subject]), (new[subject], old[subject])))
        if len(mine) == len(yours) == 1:
            names[subject, mine.pop()] = new[subject][yours.pop()]
    checks = []
    for entry in before["checks"]:
        key = (entry["subject"], to_json.dumps(_placed(entry["variant"]), sort=True))
        checks.append(entry | {"variant": names[key]} if key in names else entry)
    return before | {"checks": checks}


def _subjects(before: Json, now: Json) -> Iterator[Json]:
    for name, subject in before["subjects"].items():
        if name not in now["subjects"]:
            yield change("disappeared", {"subject": name}, "This subject was tried before and not now.", {}, {})
        elif subject["fingerprint"] != now["subjects"][name]["fingerprint"]:
            yield _files(name, subject, now["subjects"][name])
    for name in now["subjects"].keys() - before["subjects"].keys():
        yield change("appeared", {"subject": name}, "This subject was not tried before.", {}, {})


def _files(name: str, before: Json, now: Json) -> Json:
    """Which files of a subject changed; a note, since that is often what was meant."""
    was, is_ = before.get("files", {}), now.get("files", {})
    sorts = {
        "changed": [path for path in was.keys() & is_.keys() if was[path] != is_[path]],
        "new": list(is_.keys() - was.keys()),
        "gone": list(was.keys() - is_.keys()),
    }
    known = (
        [f"{word} {wording.names(sorted(paths), 6)}" for word, paths in sorts.items() if paths] if was and is_ else []
    )
    summary = f"The files of the subject changed since the baseline{': ' + '; '.join(known) if known else ''}."
    differing = [path for paths in sorts.values() for path in sorted(paths)] if known else []
    sides = [
        {"fingerprint": each["fingerprint"]} | {path: files.get(path) for path in differing}
        for each, files in ((before, was), (now, is_))
    ]
    return change(NOTE, {"subject": name}, summary, *sides)


def _checks(before: Json, now: Json, lost: list[Json]) -> Iterator[Json]:
    old, new = _by_key(before), _by_key(now)
    gone = {(each["subject"], to_json.dumps(each["before"], sort=True)) for each in lost}
    known = {entry["check"] for entry in before["checks"]}
    for key, entry in old.items():
        if key in new:
            yield from _changes(entry, new[key])
        elif entry["subject"] in now["subjects"]:
            variant = to_json.dumps(_placed(entry["variant"]), sort=True)
            if (entry["subject"], variant) not in gone:
                yield _gone(entry, now)
    yield from _new(before, now, [new[key] for key in sorted(new.keys() - old.keys())], known)


def _gone(entry: Json, now: Json) -> Json:
    """Of a run on a part of the checks it is not said that the others disappeared."""
    was = {"outcome": entry["outcome"]}
    if now.get("left out"):
        return change(NOTE, entry, "Ran before; the selection of this run may have left it out.", was, None)
    return change("disappeared", entry, "Ran before and did not run now.", was, None)


def _new(before: Json, now: Json, entries: list[Json], known: set[str]) -> Iterator[Json]:
    """Checks that the baseline has no record of; of a variant that is new as a whole, one note."""
    variants = _variants(before)
    told = set()
    for entry in entries:
        variant = to_json.dumps(_placed(entry["variant"]), sort=True)
        if entry["subject"] not in before["subjects"] or (entry["subject"], variant) in told:
            continue
        if entry["variant"] and variant not in variants.get(entry["subject"], ()):
            told.add((entry["subject"], variant))
            where = {"subject": entry["subject"], "variant": entry["variant"]}
            yield change("appeared", where, "This variant was not tried before.", {}, {})
        else:
            yield _appeared(entry, known)


def _by_key(content: Json) -> dict[str, Json]:
    return {schema.key(entry | {"variant": _placed(entry["variant"])}): entry for entry in content["checks"]}


def _appeared(entry: Json, known: set[str]) -> Json:
    """A check that the baseline has no record of: bad news only where the check itself existed and was tried."""
    outcome = {"outcome": entry["outcome"]}
    if entry["outcome"] not in ("hazard", "defect"):
        return change("appeared", entry, "Did not run before.", None, outcome)
    kind = "newly failing" if entry["check"] in known else "appeared"
    return change(kind, entry, f"Did not run before, is {entry['outcome']}{_why(entry)}", None, outcome)


def _changes(old: Json, new: Json) -> Iterator[Json]:
    """What became of one check."""
    yield from _outcome(old, new)
    if {"unsupported", "error"} & {old["outcome"], new["outcome"]}:
        return  # told by the outcome: the facts of a check that did not come to its end are not lost
    yield from _capabilities(old, new)
    measured = {metric["name"]: metric for metric in new["metrics"]}
    for metric in old["metrics"]:
        yield from _metric(new, metric, measured.get(metric["name"]))
    for kind, summary, before, after in sequences.changes(
        old.get("sequences", {}), new.get("sequences", {}), new.get("texts", {})
    ):
        yield change(kind, new, summary, before, after)
    for kind, summary, before, after in observations.changes(old.get("kept", {}), new.get("kept", {})):
        yield change(kind, new, summary, before, after)


def _outcome(old: Json, new: Json) -> Iterator[Json]:
    was, is_ = old["outcome"], new["outcome"]
    sides = ({"outcome": was}, {"outcome": is_})
    if was == is_:
        if was in ("hazard", "defect") and _reading(old["summary"]) != _reading(new["summary"]):
            yield change(NOTE, new, f"Is still {was}, for another reason{_why(new)}", *sides)
    elif is_ == "unsupported":
        kind = "no longer tried" if was in ("pass", "hazard") else NOTE
        yield change(kind, new, f"Was {was}, could not be tried now{_why(new)}", *sides)
    elif was == "unsupported":
        yield change("newly tried", new, f"Could not be tried before{_before(old)}, is {is_} now{_why(new)}", *sides)
    elif RANK[is_] > RANK[was]:
        yield change("newly failing", new, f"Was {was}, is {is_} now{_why(new)}", *sides)
    else:
        yield change("newly passing", new, f"Was {was}, is {is_} now{_why(new)}", *sides)


def _why(entry: Json) -> str:
    return f": {wording.sentence(wording.line(entry['summary']))}" if entry["summary"] else "."


def _before(entry: Json) -> str:
    return f" ({wording.line(entry['summary'], 200)})" if entry["summary"] else ""


def _reading(summary: str) -> str:
    """A summary without its figures, which differ between two runs that found the same."""
    return re.sub(r"[\d.,]+", "#", summary)


def _capabilities(old: Json, new: Json) -> Iterator[Json]:
    for name, value in old["capabilities"].items():
        now = new["capabilities"].get(name, NOT_PROBED)
        if now != value:
            summary = f"Capability {name} was {wording.line(str(value))}, is {wording.line(str(now))} now."
            yield change(_capability(name, value, now), new, summary, {name: value}, {name: now})
    for name in new["capabilities"].keys() - old["capabilities"].keys():
        summary = f"Capability {name} was not probed before, is {wording.line(str(new['capabilities'][name]))} now."
        yield change("capability gained", new, summary, {}, {name: new["capabilities"][name]})


def _capability(name: str, was: object, now: object) -> str:
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (was, now)):
        return NOTE  # a count says how much was looked at
    had, has = (value != NOT_PROBED and not lacking(name, value) for value in (was, now))
    if name in REJECTIONS and NOT_PROBED not in (was, now):
        had, has = has, had  # it is better to reject nothing
    if had == has:
        return "capability changed"
    return "capability gained" if has else "capability lost"


def _metric(entry: Json, old: Json, new: Json | None) -> Iterator[Json]:
    if not all(each.get("compared", True) for each in (old, new or {})):
        return
    if new is None or new.get("value") is None or old.get("value") is None:
        if old.get("value") is not None:
            yield change("metric", entry, f"{old['name']} was measured before and not now.", old, new)
        return
    if old.get("version", "") != new.get("version", ""):
        summary = f"{old['name']} was measured over another version of the input: not comparable."
        yield change(NOTE, entry, summary, old, new)
        return
    smallest = max(metric.get("effect") or EFFECT for metric in (old, new))
    moved = new["value"] - old["value"]
    if abs(moved) > smallest * abs(old["value"]) and _disjoint(old, new):
        kind = "metric" if (moved > 0) == (old["better"] == "lower") else "metric improved"
        unit = f" {old['unit']}" if old.get("unit") else ""
        went = f"{_measured(old)} to {_measured(new)}{unit}{_share(old['value'], moved)}"
        yield change(kind, entry, f"{old['name']} went from {went}, beyond noise.", old, new)


def _measured(metric: Json) -> str:
    """The value, with its interval where it has one."""
    interval = metric.get("interval") or [None]
    within = "" if None in interval else f" [{wording.number(interval[0])}, {wording.number(interval[1])}]"
    return f"{wording.number(metric['value'])}{within}"


def _share(before: float, moved: float) -> str:
    return f" ({moved / abs(before):+.0%})" if before else ""


def _disjoint(old: Json, new: Json) -> bool:
    a, b = ([m["value"]] * 2 if None in (m.get("interval") or [None]) else m["interval"] for m in (old, new))
    return bool(a[1] < b[0] or b[1] < a[0])
