"""Validation of a baseline's content: the checksum shows edits, not who wrote the file."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any

from reports.baseline import compare
from reports.records import sequences, validation
from reports.records.outcomes import OUTCOMES
from reports.records.schema import Check, Run, Subject
from reports.records.to_json import Json

UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, zlib.error)
"""Exceptions of the comparison when the content is not what seatrial writes."""


def problem_in(content: Json) -> str:
    """Returns the first problem of a content in words; empty if it is valid."""
    try:
        return next(_problems(content), "") or _unequal_to_itself(content)
    except UNREADABLE as error:
        return f"it cannot be read ({type(error).__name__})"


def _problems(content: Json) -> Iterator[str]:
    yield from _in_record("the run", Run(**{"versions": {}, "environment": {}} | content["run"], command=""))
    for name, each in content["subjects"].items():
        subject = Subject(name, "", fingerprint=each["fingerprint"], files=each.get("files", {}))
        yield from _in_record("a subject", subject)
    for entry in content["checks"]:
        yield from _in_check(entry, content["subjects"])


def _in_check(entry: Json, subjects: Json) -> Iterator[str]:
    fields = {name: value for name, value in entry.items() if name not in ("capabilities", "texts")}
    yield from _in_record("a check", Check.from_json(fields))
    if entry["outcome"] not in OUTCOMES:
        yield f"the outcome of {entry['check']} is unknown"
    if entry["subject"] not in subjects:
        yield f"{entry['check']} is of a subject that it does not hold"
    if not isinstance(entry["capabilities"], dict):
        yield f"the capabilities of {entry['check']} are no object"
    for name, each in entry.get("sequences", {}).items():
        values = sequences.unpack(each["packed"])
        if not isinstance(values, dict) or not all(isinstance(numbers, list) for numbers in values.values()):
            yield f"the sequences {name!r} are no lists"
    for name, each in entry.get("kept", {}).items():
        if not all(map(OBSERVATIONS[each["kind"]], each["values"].values())):
            yield f"the observations {name!r} have wrong fields"


def _in_record(what: str, record: Any) -> Iterator[str]:
    if problem := validation.problem_in(record):
        yield f"{what}: {problem}"


def _unequal_to_itself(content: Json) -> str:
    return "it differs from itself" if compare.compare_contents(content, content) else ""


def _render(value: Any) -> bool:
    return isinstance(value, str)


def _output(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value["means"], str) and "answer" in value


def _answer(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value["text"], str) and isinstance(value["ids"], list)


OBSERVATIONS: dict[str, Callable[[Any], bool]] = {"renders": _render, "outputs": _output, "answers": _answer}
"""A test for the values of each kind."""
