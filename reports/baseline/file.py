"""Baselines: what an earlier run of the same subjects found, saved to be read, diffed and compared with.

A baseline is text, one JSON object per line in a stable order: the run; each subject; each check, and indented below it
its metrics, sequences and what it kept, one value per line; at the end a checksum over all lines before. Everything is
keyed by `records.key`, so the name of a subject must be the same in both runs.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from reports.baseline import compare as comparing
from reports.baseline import validation
from reports.baseline.compare import RANK
from reports.baseline.kinds import INCOMPARABLE, NOTE, comparable, counted, place, reservation, worse
from reports.records import atomic_write, renamed, schema, sequences, to_json
from reports.records.schema import Check, Json, Trial

__all__ = [
    "INCOMPARABLE", "NOTE", "RANK", "comparable", "compare", "counted", "load", "place", "reservation", "save",
    "snapshot", "text_of", "worse",
]  # fmt: skip

FORMAT = 2
"""Of the file; another one is refused."""
MEND = "save it again with --save-baseline"
RUN = ("started", "profile", "seed", "device", "versions", "environment")
FIELDS = ("check", "subject", "variant", "parameters", "outcome", "summary")
NESTED = ("metrics", "sequences", "kept", "texts")
CONFLICT = re.compile(r"^(<{7}|>{7}|={7})( |$)", re.MULTILINE)


def snapshot(trial: Trial) -> Json:
    """What a baseline keeps of a trial; the worst outcome where a key was recorded twice."""
    worst: dict[str, Check] = {}
    for check in trial.checks:
        if check.key not in worst or RANK[check.outcome] > RANK[worst[check.key].outcome]:
            worst[check.key] = check
    content = {
        "format": FORMAT,
        "run": {name: getattr(trial.run, name) for name in RUN},
        "subjects": {each.name: {"fingerprint": each.fingerprint, "files": each.files} for each in trial.subjects},
        "checks": [_entry(worst[key]) for key in sorted(worst)],
    }
    return json.loads(to_json.dumps(content))  # type: ignore[no-any-return]


def compare(before: Json, after: Trial | Json, *, allow: bool = False) -> list[Json]:
    """What changed, the worst first; runs that cannot be compared say why and nothing else, unless `allow`."""
    if not isinstance(after, Trial):
        return comparing.compare(before, after, allow=allow)
    now = snapshot(after)
    texts = _texts(after)
    checks = [entry | {"texts": texts.get(schema.key(entry), {})} for entry in now["checks"]]
    left_out = after.deselected
    return comparing.compare(before, now | {"checks": checks, "left out": left_out}, allow=allow)


def save(trial: Trial, path: Path) -> None:
    """One readable file, written whole or not at all."""
    atomic_write.replace(Path(path), text_of(snapshot(trial)))


def text_of(content: Json) -> str:
    """The file of a content."""
    lines = list(_lines(content))
    end = {"checksum": _checksum(lines), "lines": len(lines)}
    return "\n".join([*lines, to_json.dumps(end)]) + "\n"


def load(path: Path) -> Json:
    """A saved baseline; a truncated, edited or foreign file is refused in one sentence with the mend."""
    try:
        content = _content(Path(path).read_bytes())
        if wrong := validation.mistake(content):
            raise _Refused(f"was not written by seatrial: {wrong}")
        return content | {"checks": [_with_current_names(each) for each in content["checks"]]}
    except _Refused as problem:
        raise ValueError(f"{path} {problem}{problem.joint}{MEND}.") from None


def _with_current_names(entry: Json) -> Json:
    facts, metrics = renamed.values(entry["capabilities"]), renamed.metrics(entry["metrics"])
    return entry | {"capabilities": facts, "metrics": metrics}


class _Refused(Exception):
    """What is wrong with a file, to be said behind its name and before its mend."""

    def __init__(self, what: str, joint: str = "; "):
        super().__init__(what)
        self.joint = joint


def _lines(content: Json) -> Iterator[str]:
    yield to_json.dumps({"baseline": content["format"], "run": content["run"]}, sort=True)
    for name in sorted(content["subjects"]):
        yield to_json.dumps({"subject": name} | content["subjects"][name])
    for entry in content["checks"]:
        flat = {name: value for name, value in entry.items() if name not in NESTED}
        yield to_json.dumps(flat | {"capabilities": dict(sorted(entry["capabilities"].items()))})
        for metric in entry["metrics"]:
            yield " " + to_json.dumps({"metric": metric["name"]} | metric)
        for name, each in sorted(entry.get("sequences", {}).items()):
            yield " " + to_json.dumps({"sequences": name} | each)
        for name, each in sorted(entry.get("kept", {}).items()):
            yield " " + to_json.dumps(
                {"kept": name} | {part: value for part, value in each.items() if part != "values"}
            )
            yield from ("  " + to_json.dumps({"name": key, "value": value}) for key, value in each["values"].items())


def _content(data: bytes) -> Json:
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError:
        raise _Refused("is no baseline") from None
    if CONFLICT.search(whole):
        raise _Refused("holds a merge conflict; take the file of one side", joint=" or ")
    lines = whole.splitlines()
    _refuse_foreign(lines)
    end = _parsed(lines[-1])
    if not isinstance(end, dict) or set(end) != {"checksum", "lines"}:
        raise _Refused("is truncated")
    if end["checksum"] != _checksum(lines[:-1]):
        what = "is truncated" if end["lines"] != len(lines) - 1 else "was edited after it was saved"
        raise _Refused(f"{what}, its checksum differs")
    try:
        return _gathered([(line, to_json.loads(line)) for line in lines[:-1]])
    except (ValueError, LookupError, TypeError, AttributeError):
        raise _Refused("is no baseline") from None


def _refuse_foreign(lines: Sequence[str]) -> None:
    head = _parsed(lines[0]) if lines else None
    if not isinstance(head, dict) or "baseline" not in head:
        older = bool(lines) and lines[0] == "{" and any('"checksum"' in line for line in lines[:3])
        raise _Refused("has the form of an older version" if older else "is no baseline")
    if head["baseline"] != FORMAT:
        raise _Refused(f"has schema {head['baseline']!r}, this version reads {FORMAT}")


def _parsed(line: str) -> Any:
    try:
        return to_json.loads(line)
    except ValueError:
        return None


def _gathered(lines: Sequence[tuple[str, Json]]) -> Json:
    """The content behind the lines; what is indented belongs to what stands above it."""
    head = lines[0][1]
    content: Json = {"format": head["baseline"], "run": head["run"], "subjects": {}, "checks": []}
    values: Json = {}
    for line, data in lines[1:]:
        if line.startswith("  "):
            values[data["name"]] = data["value"]
        elif line.startswith(" "):
            values = _nested(content["checks"][-1], data)
        elif "check" in data:
            content["checks"].append(data | {"metrics": []})
        else:
            content["subjects"][data.pop("subject")] = data
    return content


def _nested(entry: Json, data: Json) -> Json:
    """Adds a line to its check; returns where the lines below it go."""
    values: Json = {}
    if "metric" in data:
        data.pop("metric")
        entry["metrics"].append(data)
    elif "sequences" in data:
        entry.setdefault("sequences", {})[data.pop("sequences")] = data
    else:
        entry.setdefault("kept", {})[data.pop("kept")] = data | {"values": values}
    return values


def _entry(check: Check) -> Json:
    entry = {name: getattr(check, name) for name in FIELDS}
    entry |= {"capabilities": {name: fact.get("value") for name, fact in check.capabilities.items()}}
    entry |= {"metrics": check.metrics}
    entry |= {"sequences": sequences.kept(check.sequences)} if check.sequences else {}
    return entry | ({"kept": check.kept} if check.kept else {})


def _texts(trial: Trial) -> dict[str, dict[str, str]]:
    """The packed texts of recorded sequences, by key of the check and name of the set."""
    recorded = ((check.key, check.sequences) for check in trial.checks if check.sequences)
    return {key: {name: each.get("texts", "") for name, each in sets.items()} for key, sets in recorded}


def _checksum(lines: Sequence[str]) -> str:
    return "sha256:" + hashlib.sha256("\n".join(lines).encode()).hexdigest()
