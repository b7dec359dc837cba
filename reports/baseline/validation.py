"""Whether the content of a baseline is what seatrial writes: a checksum tells who edited it, not who made it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any

from reports.baseline import compare
from reports.records import sequences, validation
from reports.records.schema import OUTCOMES, Check, Json, Run, Subject

BROKEN = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, zlib.error)
"""What the code that compares raises over a content that has another form."""


def mistake(content: Json) -> str:
    """What is wrong with it, in words; empty when all is well."""
    try:
        return next(_mistakes(content), "") or _alone(content)
    except BROKEN as problem:
        return f"it cannot be read ({type(problem).__name__})"


def _mistakes(content: Json) -> Iterator[str]:
    yield from _wrong("the run", Run(**{"versions": {}, "environment": {}} | content["run"], command=""))
    for name, each in content["subjects"].items():
        yield from _wrong("a subject", Subject(name, "", fingerprint=each["fingerprint"], files=each.get("files", {})))
    for entry in content["checks"]:
        yield from _check(entry, content["subjects"])


def _check(entry: Json, subjects: Json) -> Iterator[str]:
    fields = {name: value for name, value in entry.items() if name not in ("capabilities", "texts")}
    yield from _wrong("a check", Check(**fields))
    if entry["outcome"] not in OUTCOMES:
        yield f"the outcome of {entry['check']} is unknown"
    if entry["subject"] not in subjects:
        yield f"{entry['check']} is of a subject that it does not hold"
    if not isinstance(entry["capabilities"], dict):
        yield f"the capabilities of {entry['check']} are no object"
    for name, each in entry.get("sequences", {}).items():
        whole = sequences.unpack(each["packed"])
        if not isinstance(whole, dict) or not all(isinstance(numbers, list) for numbers in whole.values()):
            yield f"the sequences {name!r} are no lists"
    for name, each in entry.get("kept", {}).items():
        if not all(map(KEPT[each["kind"]], each["values"].values())):
            yield f"what it kept as {name!r} has another form"


def _wrong(what: str, record: Any) -> Iterator[str]:
    if told := validation.mistake(record):
        yield f"{what}: {told}"


def _alone(content: Json) -> str:
    """What is well formed is equal to itself."""
    return "it differs from itself" if compare.compare(content, content) else ""


def _render(value: Any) -> bool:
    return isinstance(value, str)


def _output(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value["means"], str) and "answer" in value


def _answer(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value["text"], str) and isinstance(value["ids"], list)


KEPT: dict[str, Callable[[Any], bool]] = {"renders": _render, "outputs": _output, "answers": _answer}
