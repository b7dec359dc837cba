"""Baselines: what an earlier run of the same subjects found, saved to be read, diffed and compared with.

Everything is keyed by `records.key`, so the name of a subject must be the same in both runs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from reports import files, plain, records, sequences, text
from reports.records import SCHEMA, Check, Json, Trial

EFFECT = 0.01
"""Smallest relative change of a metric that is worth a word, even when the intervals are disjoint; the metric may
name a larger one of its own."""

RANK = {"pass": 0, "hazard": 1, "unsupported": 2, "error": 3, "defect": 4}
"""An outcome of higher rank than before is a change for the worse."""

ABSENT = ("unsupported", False, None)
"""Values of a capability that a subject can only gain from."""

NOTE, INCOMPARABLE = sequences.NOTE, sequences.INCOMPARABLE


def snapshot(trial: Trial) -> Json:
    """What a baseline keeps of a trial; the worst outcome where a key was recorded twice."""
    kept: dict[str, Check] = {}
    for check in trial.checks:
        if check.key not in kept or RANK[check.outcome] > RANK[kept[check.key].outcome]:
            kept[check.key] = check
    run = trial.run
    content = {
        "schema": SCHEMA,
        "run": {
            name: getattr(run, name) for name in ("started", "profile", "seed", "device", "versions", "environment")
        },
        "subjects": {subject.name: {"fingerprint": subject.fingerprint} for subject in trial.subjects},
        "checks": [_entry(kept[key]) for key in sorted(kept)],
    }
    return json.loads(plain.dumps(content))  # type: ignore[no-any-return]


def save(trial: Trial, path: Path) -> None:
    """One readable JSON file with a checksum over its content."""
    content = snapshot(trial)
    files.replace(Path(path), plain.dumps(content | {"checksum": _checksum(content)}, sort=True, indent=1) + "\n")


def load(path: Path) -> Json:
    """A saved baseline; a truncated, edited or foreign file is refused with the mend."""
    mend = "save it again with --save-baseline"
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError:
        raise ValueError(f"{path} is truncated or is no baseline: {mend}") from None
    if not isinstance(data, dict) or "checksum" not in data:
        raise ValueError(f"{path} is no baseline: {mend}")
    if data.get("schema") != SCHEMA:
        raise ValueError(f"{path} has schema {data.get('schema')!r}, this version reads {SCHEMA}: {mend}")
    if data.pop("checksum") != _checksum(data):
        raise ValueError(f"{path} was edited after it was saved, its checksum differs: {mend}")
    return data


def compare(before: Json, after: Trial | Json) -> list[Json]:
    """What changed for the worse, and notes; runs that cannot be compared say why and nothing else."""
    now = snapshot(after) if isinstance(after, Trial) else after
    if blocked := list(_mismatch(before["run"], now["run"])):
        return blocked
    lost = list(_lost_variants(before, now))
    gone = {(entry["subject"], plain.dumps(entry["before"], sort=True)) for entry in lost}
    found = _by_key(now)
    changes = [*lost, *_files(before, now)]
    texts = _texts(after) if isinstance(after, Trial) else {}
    old = _by_key(before)
    for key in sorted(found.keys() - old.keys()):
        changes += _sequences({}, found[key], {})
    for key, entry in old.items():
        if key in found:
            changes += _changes(entry, found[key])
            changes += _sequences(entry, found[key], texts.get(key, {}))
        elif (entry["subject"], plain.dumps(entry["variant"], sort=True)) not in gone:
            changes.append(
                _change(
                    "disappeared",
                    entry,
                    "This check ran before and did not run now.",
                    {"outcome": entry["outcome"]},
                    None,
                )
            )
    return changes


def worse(changes: Iterable[Json]) -> list[Json]:
    """The changes that a gate should fail on: everything but notes."""
    return [change for change in changes if change.get("kind") != NOTE]


def reservation(name: str, changes: Iterable[Json]) -> str:
    """What a verdict on a subject must not hide: that it is worse than before, or was not compared; else empty."""
    bad = [change for change in worse(changes) if change.get("subject") in (name, None, "")]
    if not bad:
        return ""
    if not comparable(bad):
        return "not comparable with the baseline"
    return f"{text.count(len(bad), 'change')} for the worse since the baseline"


def place(change: Json) -> str:
    """Where a change was seen: check, subject, variant and parameters."""
    how = (text.variant(change.get("variant") or {}), text.parameters(change.get("parameters") or {}))
    parts = (change.get("check"), change.get("subject"), *how)
    return text.line(" · ".join(str(part) for part in parts if part))


def comparable(changes: Sequence[Json]) -> bool:
    return not any(change.get("kind") == INCOMPARABLE for change in changes)


def _entry(check: Check) -> Json:
    fields = ("check", "subject", "variant", "parameters", "outcome", "summary", "capabilities", "metrics")
    entry = {name: getattr(check, name) for name in fields}
    entry |= {"capabilities": {name: fact.get("value") for name, fact in check.capabilities.items()}}
    return entry | ({"sequences": sequences.kept(check.sequences)} if check.sequences else {})


def _texts(trial: Trial) -> dict[str, dict[str, str]]:
    """The packed texts of recorded sequences, by key of the check and name of the set."""
    recorded = ((check.key, check.sequences) for check in trial.checks if check.sequences)
    return {key: {name: each.get("texts", "") for name, each in sets.items()} for key, sets in recorded}


def _sequences(old: Json, new: Json, texts: dict[str, str]) -> Iterator[Json]:
    """Changed integer sequences of one check."""
    for kind, summary, before, after in sequences.changes(old.get("sequences", {}), new.get("sequences", {}), texts):
        yield _change(kind, new, summary, before, after)


def _checksum(content: Json) -> str:
    return "sha256:" + hashlib.sha256(plain.dumps(content, sort=True).encode()).hexdigest()


def _by_key(content: Json) -> dict[str, Json]:
    return {records.key(entry): entry for entry in content["checks"]}


def _change(kind: str, entry: Json, summary: str, before: object, after: object) -> Json:
    place = {name: entry[name] for name in ("variant", "parameters") if entry.get(name)}
    base = {"kind": kind, "check": entry.get("check", ""), "subject": entry.get("subject", "")}
    return base | place | {"summary": summary, "before": before or {}, "after": after or {}}


def _mismatch(before: Json, now: Json) -> Iterator[Json]:
    for field in ("device", "profile"):
        old, new = (str(run[field]).partition(":")[0] for run in (before, now))
        if old != new:
            summary = f"Not comparable: the baseline was taken with {field} {old}, this run with {new}."
            yield _change(INCOMPARABLE, {}, summary, {field: old}, {field: new})


def _lost_variants(before: Json, now: Json) -> Iterator[Json]:
    """Variants of the baseline that this run did not load at all: another dtype, another quantization."""
    old, new = _variants(before), _variants(now)
    for subject, variants in old.items():
        for name in sorted(set(variants) - set(new.get(subject, variants))):
            summary = f"Not comparable: the baseline has {text.variant(variants[name])}, this run did not load it."
            yield _change(INCOMPARABLE, {"subject": subject}, summary, variants[name], list(new[subject].values()))


def _variants(content: Json) -> dict[str, dict[str, Json]]:
    variants: dict[str, dict[str, Json]] = {}
    for entry in content["checks"]:
        if entry["variant"]:
            variants.setdefault(entry["subject"], {})[plain.dumps(entry["variant"], sort=True)] = entry["variant"]
    return variants


def _files(before: Json, now: Json) -> Iterator[Json]:
    for name, subject in before["subjects"].items():
        if name not in now["subjects"]:
            yield _change("disappeared", {"subject": name}, "This subject was tried before and not now.", subject, None)
        elif subject != now["subjects"][name]:
            summary = "The files of the subject changed since the baseline."
            yield _change(NOTE, {"subject": name}, summary, subject, now["subjects"][name])


def _changes(old: Json, new: Json) -> Iterator[Json]:
    """What became worse in one check."""
    if RANK[new["outcome"]] > RANK[old["outcome"]]:
        why = f": {text.sentence(text.line(new['summary']))}" if new["summary"] else "."
        summary = f"Was {old['outcome']}, is {new['outcome']} now{why}"
        yield _change("newly failing", new, summary, {"outcome": old["outcome"]}, {"outcome": new["outcome"]})
    for name, value in old["capabilities"].items():
        now = new["capabilities"].get(name, "not probed")
        if now != value:
            kind = NOTE if value in ABSENT and now not in (*ABSENT, "not probed") else "capability"
            summary = f"Capability {name} was {text.line(str(value))}, is {text.line(str(now))} now."
            yield _change(kind, new, summary, {name: value}, {name: now})
    measured = {metric["name"]: metric for metric in new["metrics"]}
    for metric in old["metrics"]:
        yield from _metric(new, metric, measured.get(metric["name"]))


def _metric(entry: Json, old: Json, new: Json | None) -> Iterator[Json]:
    if new is None or new.get("value") is None or old.get("value") is None:
        if old.get("value") is not None:
            yield _change("metric", entry, f"{old['name']} was measured before and not now.", old, new)
        return
    if old.get("version", "") != new.get("version", ""):
        summary = f"{old['name']} was measured over another version of the input: not comparable."
        yield _change(NOTE, entry, summary, old, new)
        return
    sign = 1 if old["better"] == "lower" else -1
    effect = sign * (new["value"] - old["value"])
    smallest = max(metric.get("effect") or EFFECT for metric in (old, new))
    if effect > smallest * abs(old["value"]) and _disjoint(old, new):
        unit = f" {old['unit']}" if old.get("unit") else ""
        summary = (
            f"{old['name']} went from {text.number(old['value'])} to {text.number(new['value'])}{unit}, beyond noise."
        )
        yield _change("metric", entry, summary, old, new)


def _disjoint(old: Json, new: Json) -> bool:
    a, b = ([m["value"]] * 2 if None in (m.get("interval") or [None]) else m["interval"] for m in (old, new))
    return bool(a[1] < b[0] or b[1] < a[0])
