"""Baseline files: the results of an earlier run of the same subjects, to be read, diffed and compared with.

A baseline is text, one JSON object per line in a stable order: the run; each subject; each check, and indented below it
its metrics, sequences and observations, one value per line; at the end a checksum over all lines before. Everything is
keyed by `schema.key`, so a subject must have the same name in both runs.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from reports.baseline import validation
from reports.baseline.compare import compare_contents
from reports.records import atomic_write, renamed, schema, sequences, to_json
from reports.records.run_records import RunRecords, worst_by_key
from reports.records.schema import Check
from reports.records.to_json import Json

FORMAT = 2
"""Version of the file format; others are refused."""
FIX = "save it again with --save-baseline"
RUN = ("started", "profile", "seed", "device", "versions", "environment", "schema")
FIELDS = ("check", "subject", "variant", "parameters", "outcome", "summary")
NESTED = ("metrics", "sequences", "kept", "texts")
CONFLICT = re.compile(r"^(<{7}|>{7}|={7})( |$)", re.MULTILINE)


def snapshot(records: RunRecords) -> Json:
    """Returns the content of a baseline; the worst outcome if a key was recorded twice."""
    worst = worst_by_key(records.checks)
    content = {
        "format": FORMAT,
        "run": {name: getattr(records.run, name) for name in RUN},
        "subjects": {each.name: {"fingerprint": each.fingerprint, "files": each.files} for each in records.subjects},
        "checks": [_entry(worst[key]) for key in sorted(worst)],
    }
    return json.loads(to_json.dumps(content))  # type: ignore[no-any-return]


def compare(before: Json, after: RunRecords | Json, *, allow: bool = False) -> list[Json]:
    """Returns the changes, the worst first; for runs that cannot be compared only the reasons, unless `allow`."""
    if not isinstance(after, RunRecords):
        return compare_contents(before, after, allow=allow)
    now, texts = snapshot(after), _texts(after)
    checks = [entry | {"texts": texts.get(schema.key(entry), {})} for entry in now["checks"]]
    return compare_contents(before, now | {"checks": checks, "deselected": after.deselected}, allow=allow)


def save(records: RunRecords, path: Path) -> None:
    """Writes a baseline."""
    atomic_write.replace(Path(path), text_of(snapshot(records)))


def text_of(content: Json) -> str:
    """Returns the text of the file."""
    lines = list(_lines(content))
    end = {"checksum": _checksum(lines), "lines": len(lines)}
    return "\n".join([*lines, to_json.dumps(end)]) + "\n"


def load(path: Path) -> Json:
    """Returns the content of a saved baseline.

    Raises:
        ValueError: the file is truncated, edited or foreign; one sentence with the fix.
    """
    try:
        content = _content(Path(path).read_bytes())
        if problem := validation.problem_in(content):
            raise _Refused(f"was not written by seatrial: {problem}")
        return content | {"checks": [_with_current_names(each) for each in content["checks"]]}
    except _Refused as refusal:
        raise ValueError(f"{path} {refusal}{refusal.joint}{FIX}.") from None


def _with_current_names(entry: Json) -> Json:
    facts, metrics = renamed.values(entry["capabilities"]), renamed.metrics(entry["metrics"])
    return entry | {"capabilities": facts, "metrics": metrics}


class _Refused(Exception):
    """The problem of a file, to be read between its name and the fix."""

    def __init__(self, problem: str, joint: str = "; "):
        super().__init__(problem)
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
        problem = "is truncated" if end["lines"] != len(lines) - 1 else "was edited after it was saved"
        raise _Refused(f"{problem}, its checksum differs")
    try:
        return _gathered([(line, to_json.loads(line)) for line in lines[:-1]])
    except (ValueError, LookupError, TypeError, AttributeError):
        raise _Refused("is no baseline") from None


def _refuse_foreign(lines: Sequence[str]) -> None:
    head = _parsed(lines[0]) if lines else None
    if not isinstance(head, dict) or "baseline" not in head:
        older = bool(lines) and lines[0] == "{" and any('"checksum"' in line for line in lines[:3])
        raise _Refused("has the format of an older version" if older else "is no baseline")
    if head["baseline"] != FORMAT:
        raise _Refused(f"has schema {head['baseline']!r}, this version reads {FORMAT}")


def _parsed(line: str) -> Any:
    try:
        return to_json.loads(line)
    except ValueError:
        return None


def _gathered(lines: Sequence[tuple[str, Json]]) -> Json:
    """Returns the content of the lines; an indented line belongs to the one above."""
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
    """Adds a line to its check; returns the dict that takes the lines below it."""
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
    entry |= {"sequences": sequences.without_texts(check.sequences)} if check.sequences else {}
    return entry | ({"kept": check.observations} if check.observations else {})


def _texts(records: RunRecords) -> dict[str, dict[str, str]]:
    """The packed texts of recorded sequences, by key of the check and name of the set."""
    recorded = ((check.key, check.sequences) for check in records.checks if check.sequences)
    return {key: {name: each.get("texts", "") for name, each in sets.items()} for key, sets in recorded}


def _checksum(lines: Sequence[str]) -> str:
    return "sha256:" + hashlib.sha256("\n".join(lines).encode()).hexdigest()
