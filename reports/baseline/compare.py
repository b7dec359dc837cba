"""Comparison of two runs, check by check: pure functions over the contents of two baselines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reports import wording
from reports.baseline.kinds import INCOMPARABLE, NOTE, change, grouped, ordered
from reports.records import observations, schema, sequences, to_json
from reports.records.capabilities import REJECTIONS, lacking, phrase
from reports.records.outcomes import OUTCOMES, SEVERITIES, is_evidence, rank
from reports.records.to_json import Json, is_number

EFFECT = 0.01
"""Smallest relative change of a metric that is reported, even if the intervals are disjoint; a metric may name a
larger one."""

NOT_PROBED = "not probed"
NOT_APPLICABLE_SINCE = 2
"""Schema of records since which a check that has nothing to test is `not_applicable`; before, it passed."""
CONDITIONS = ("device", "profile", "seed")
"""Fields of a run that must be equal for a comparison."""


def compare_contents(before: Json, now: Json, *, allow: bool = False) -> list[Json]:
    """Returns every change between the contents of two baselines, the worst first.

    Runs under other conditions are not comparable, and nothing else is reported. With `allow` they are compared
    anyway, and each difference of the conditions is a note.
    """
    mismatches = list(_mismatches(before["run"], now["run"], allow))
    if mismatches and not allow:
        return mismatches
    lost = list(_lost_variants(before, now, allow))
    if allow:
        before = _with_variants_of(before, now)
    changes = [*_libraries(before, now), *lost, *_subjects(before, now), *_checks(before, now, lost)]
    return ordered(grouped([*mismatches, *changes]))


def _mismatches(before: Json, now: Json, allow: bool) -> Iterator[Json]:
    for field in CONDITIONS:
        old, new = (str(run[field]).partition(":")[0] for run in (before, now))
        if old != new:
            difference = f"the baseline was taken with {field} {old}, this run with {new}."
            yield _mismatch(difference, {}, {field: old}, {field: new}, allow)


def _mismatch(difference: str, entry: Json, before: object, after: object, allow: bool) -> Json:
    if allow:
        return change(NOTE, entry, f"Compared, although {difference}", before, after)
    return change(INCOMPARABLE, entry, f"Not comparable: {difference}", before, after)


def _libraries(before: Json, now: Json) -> Iterator[Json]:
    """Yields one note that names the library versions that differ."""
    was, is_ = before["run"].get("versions", {}), now["run"].get("versions", {})
    if differing := [name for name in was | is_ if was.get(name) != is_.get(name)]:
        words = [f"{name} {was.get(name, 'none')} → {is_.get(name, 'none')}" for name in differing]
        sides = [{name: each.get(name) for name in differing} for each in (was, is_)]
        yield change(NOTE, {}, f"The versions differ: {', '.join(words)}.", *sides)


def _lost_variants(before: Json, now: Json, allow: bool) -> Iterator[Json]:
    """Yields the variants of the baseline that this run did not load: another dtype, another quantization."""
    old, new = _variants(before), _variants(now)
    for subject, variants in old.items():
        for name in sorted(set(variants) - set(new.get(subject, variants))):
            difference = f"the baseline has {wording.variant(variants[name])}, this run did not load it."
            loaded = list(new[subject].values())
            yield _mismatch(difference, {"subject": subject, "variant": {}}, variants[name], loaded, allow)


def _variants(content: Json) -> dict[str, dict[str, Json]]:
    variants: dict[str, dict[str, Json]] = {}
    for entry in content["checks"]:
        if entry["variant"]:
            variant = _without_device_number(entry["variant"])
            variants.setdefault(entry["subject"], {})[to_json.dumps(variant, sort=True)] = variant
    return variants


def _without_device_number(variant: Json) -> Json:
    """The variant with its kind of device: `cuda:1` is compared with `cuda:0`."""
    return variant | {"device": str(variant["device"]).partition(":")[0]} if "device" in variant else variant


def _with_variants_of(before: Json, now: Json) -> Json:
    """If each side has exactly one variant that the other lacks, gives the older one the newer one's name."""
    old, new = _variants(before), _variants(now)
    names = {}
    for subject in old.keys() & new.keys():
        only_old, only_new = {*old[subject]} - {*new[subject]}, {*new[subject]} - {*old[subject]}
        if len(only_old) == len(only_new) == 1:
            names[subject, only_old.pop()] = new[subject][only_new.pop()]
    checks = []
    for entry in before["checks"]:
        key = (entry["subject"], to_json.dumps(_without_device_number(entry["variant"]), sort=True))
        checks.append(entry | {"variant": names[key]} if key in names else entry)
    return before | {"checks": checks}


def _subjects(before: Json, now: Json) -> Iterator[Json]:
    for name, subject in before["subjects"].items():
        if name not in now["subjects"]:
            yield change("disappeared", {"subject": name}, "This subject was tested before and not now.", {}, {})
        elif subject["fingerprint"] != now["subjects"][name]["fingerprint"]:
            yield _changed_files(name, subject, now["subjects"][name])
    for name in now["subjects"].keys() - before["subjects"].keys():
        yield change("appeared", {"subject": name}, "This subject was not tested before.", {}, {})


def _changed_files(name: str, before: Json, now: Json) -> Json:
    """Returns a note that names the files of a subject that changed."""
    was, is_ = before.get("files", {}), now.get("files", {})
    by_change = {
        "changed": [path for path in was.keys() & is_.keys() if was[path] != is_[path]],
        "new": list(is_.keys() - was.keys()),
        "gone": list(was.keys() - is_.keys()),
    }
    named = [f"{word} {wording.names(sorted(paths), 6)}" for word, paths in by_change.items() if paths]
    named = named if was and is_ else []  # a baseline of an older version names no files
    summary = f"The files of the subject changed since the baseline{': ' + '; '.join(named) if named else ''}."
    differing = [path for paths in by_change.values() for path in sorted(paths)] if named else []
    sides = [
        {"fingerprint": each["fingerprint"]} | {path: files.get(path) for path in differing}
        for each, files in ((before, was), (now, is_))
    ]
    return change(NOTE, {"subject": name}, summary, *sides)


def _checks(before: Json, now: Json, lost: list[Json]) -> Iterator[Json]:
    old, new = _by_key(before), _by_key(now)
    gone = {(each["subject"], to_json.dumps(each["before"], sort=True)) for each in lost}
    same_files = _subjects_with_same_files(before, now) if _knows_not_applicable(before) else set()
    known = {entry["check"] for entry in before["checks"]}
    for key, entry in old.items():
        if key in new:
            yield from _changes(entry, new[key], entry["subject"] in same_files)
        elif entry["subject"] in now["subjects"]:
            variant = to_json.dumps(_without_device_number(entry["variant"]), sort=True)
            if (entry["subject"], variant) not in gone:
                yield _gone(entry, now)
    yield from _new(before, [new[key] for key in sorted(new.keys() - old.keys())], known)


def _knows_not_applicable(content: Json) -> bool:
    """False for the baseline of a version in which a check that had nothing to test passed."""
    return int(content["run"].get("schema", 1)) >= NOT_APPLICABLE_SINCE


def _subjects_with_same_files(before: Json, now: Json) -> set[str]:
    """Names of the subjects whose files are known and did not change."""
    fingerprints = {name: subject["fingerprint"] for name, subject in before["subjects"].items()}
    return {
        name
        for name, subject in now["subjects"].items()
        if subject["fingerprint"] and subject["fingerprint"] == fingerprints.get(name)
    }


def _gone(entry: Json, now: Json) -> Json:
    """A note, not a disappearance, if this run selected a part of the checks."""
    was = {"outcome": entry["outcome"]}
    if now.get("deselected"):
        return change(NOTE, entry, "Ran before; the selection of this run may have left it out.", was, None)
    return change("disappeared", entry, "Ran before and did not run now.", was, None)


def _new(before: Json, entries: list[Json], known: set[str]) -> Iterator[Json]:
    """Yields checks that the baseline has no record of; for a variant that is new as a whole, one change."""
    variants = _variants(before)
    reported = set()
    for entry in entries:
        variant = to_json.dumps(_without_device_number(entry["variant"]), sort=True)
        if entry["subject"] not in before["subjects"] or (entry["subject"], variant) in reported:
            continue
        if entry["variant"] and variant not in variants.get(entry["subject"], ()):
            reported.add((entry["subject"], variant))
            where = {"subject": entry["subject"], "variant": entry["variant"]}
            yield change("appeared", where, "This variant was not tested before.", {}, {})
        else:
            yield _appeared(entry, known)


def _by_key(content: Json) -> dict[str, Json]:
    return {
        schema.key(entry | {"variant": _without_device_number(entry["variant"])}): entry for entry in content["checks"]
    }


def _appeared(entry: Json, known: set[str]) -> Json:
    """A check that the baseline has no record of; for the worse only if the baseline has the check elsewhere."""
    outcome = {"outcome": entry["outcome"]}
    if entry["outcome"] not in SEVERITIES:
        return change("appeared", entry, "Did not run before.", None, outcome)
    kind = "newly failing" if entry["check"] in known else "appeared"
    return change(kind, entry, f"Did not run before, is {entry['outcome']}{_why(entry)}", None, outcome)


def _changes(old: Json, new: Json, same_files: bool) -> Iterator[Json]:
    """Yields the changes of one check."""
    yield from _outcome(old, new, same_files)
    if not (is_evidence(old["outcome"]) and is_evidence(new["outcome"])):
        return  # a check that did not come to its end records no facts, and its outcome says so
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


def _outcome(old: Json, new: Json, same_files: bool) -> Iterator[Json]:
    """Yields the change of an outcome.

    Args:
        same_files: The files of the subject are as before, so that a check that applied should apply again.
    """
    was, is_ = old["outcome"], new["outcome"]
    sides = ({"outcome": was}, {"outcome": is_})
    tested = is_evidence(was) and not OUTCOMES[was].fails
    if was == is_:
        if was in SEVERITIES and _without_figures(old["summary"]) != _without_figures(new["summary"]):
            yield change(NOTE, new, f"Is still {was}, for another reason{_why(new)}", *sides)
    elif is_ == "unsupported":
        yield change("no longer tried" if tested else NOTE, new, f"Was {was}, could not run now{_why(new)}", *sides)
    elif is_ == "not_applicable":
        kind = "no longer tried" if tested and same_files else NOTE
        yield change(kind, new, f"Was {was}, has nothing to test now{_why(new)}", *sides)
    elif was == "unsupported":
        yield change("newly tried", new, f"Could not run before{_before(old)}, is {is_} now{_why(new)}", *sides)
    elif rank(is_) > rank(was):
        yield change("newly failing", new, f"Was {_in_words(was)}, is {is_} now{_why(new)}", *sides)
    elif was == "not_applicable":
        yield change("newly tried", new, f"Had nothing to test before{_before(old)}, is {is_} now{_why(new)}", *sides)
    else:
        yield change("newly passing", new, f"Was {was}, is {is_} now{_why(new)}", *sides)


def _in_words(outcome: str) -> str:
    return outcome.replace("_", " ")


def _why(entry: Json) -> str:
    return f": {wording.sentence(wording.line(entry['summary']))}" if entry["summary"] else "."


def _before(entry: Json) -> str:
    return f" ({wording.line(entry['summary'], 200)})" if entry["summary"] else ""


def _without_figures(summary: str) -> str:
    """The summary without figures, which differ between two runs that found the same."""
    return re.sub(r"[\d.,]+", "#", summary)


def _capabilities(old: Json, new: Json) -> Iterator[Json]:
    for name, value in old["capabilities"].items():
        now = new["capabilities"].get(name, NOT_PROBED)
        if now != value:
            summary = f"{phrase(name)} ({name}) was {wording.line(str(value))}, is {wording.line(str(now))} now."
            yield change(_capability(name, value, now), new, summary, {name: value}, {name: now})
    for name in new["capabilities"].keys() - old["capabilities"].keys():
        value = new["capabilities"][name]
        summary = f"{phrase(name)} ({name}) was not probed before, is {wording.line(str(value))} now."
        yield change("capability gained", new, summary, {}, {name: value})


def _capability(name: str, was: object, now: object) -> str:
    if is_number(was) and is_number(now):
        return NOTE  # a count says how much was tested
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
    """The value, with its interval if it has one."""
    interval = metric.get("interval") or [None]
    within = "" if None in interval else f" [{wording.number(interval[0])}, {wording.number(interval[1])}]"
    return f"{wording.number(metric['value'])}{within}"


def _share(before: float, moved: float) -> str:
    return f" ({moved / abs(before):+.0%})" if before else ""


def _disjoint(old: Json, new: Json) -> bool:
    a, b = ([m["value"]] * 2 if None in (m.get("interval") or [None]) else m["interval"] for m in (old, new))
    return bool(a[1] < b[0] or b[1] < a[0])
