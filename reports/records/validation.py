"""Types of the fields of records: a foreign or edited file is refused with the name of the field."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from typing import Any

from reports.records import series
from reports.records.outcomes import SEVERITIES
from reports.records.to_json import is_number

Test = Callable[[Any], bool]


def problem_in(record: Any) -> str:
    """Returns the first field of a record whose value has the wrong type, in words; empty if all are right."""
    return next(_problems(record), "")


def json_name(field: dataclasses.Field[Any]) -> str:
    """The key of a field in files; records of older versions call some fields by another name than the code."""
    return str(field.metadata.get("json", field.name))


def _problems(record: Any) -> Iterator[str]:
    for field in dataclasses.fields(record):
        name, value, annotation = json_name(field), getattr(record, field.name), str(field.type)
        if annotation in TYPES and not TYPES[annotation](value):
            yield f"{name} is {_type_of(value)}, not {WORDS.get(annotation, annotation)}"
        elif problem_in_entry := ENTRIES.get(f"{record.kind}.{name}"):
            yield from (f"{name}: {problem}" for each in _entries(value) if (problem := problem_in_entry(each)))


def _entries(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else list(value)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> bool:
    """True for a finite number within the range of floats; others would end in a traceback later on."""
    return is_number(value) and abs(value) < sys.float_info.max


def _truth(value: Any) -> bool:
    return isinstance(value, bool)


def _object(value: Any) -> bool:
    return isinstance(value, dict)


def _list_of(test: Test) -> Test:
    return lambda value: isinstance(value, list) and all(map(test, value))


def _table_of(test: Test) -> Test:
    return lambda value: isinstance(value, dict) and all(map(test, value.values()))


TYPES: dict[str, Test] = {
    "str": _text,
    "int": lambda value: isinstance(value, int) and _number(value),
    "float": _number,
    "str | None": lambda value: value is None or _text(value),
    "Json": _object,
    "list[Json]": _list_of(_object),
    "list[str]": _list_of(_text),
    "dict[str, str]": _table_of(_text),
    "dict[str, Json]": _table_of(_object),
    "dict[str, dict[str, str]]": _table_of(_table_of(_text)),
}
"""A test for each annotation of the schema."""

WORDS = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "str | None": "a text or null",
    "Json": "an object",
    "list[Json]": "a list of objects",
    "list[str]": "a list of texts",
    "dict[str, str]": "an object of texts",
    "dict[str, Json]": "an object of objects",
    "dict[str, dict[str, str]]": "an object of objects of texts",
}


def _type_of(value: Any) -> str:
    """The type of a value in words, without the value, which may be long."""
    if is_number(value) and not _number(value):
        return "no finite number"
    names = {type(None): "null", str: "a text", dict: "an object", list: "a list", bool: "true or false"}
    return names.get(type(value), "a number")


def _fields(required: dict[str, Test], optional: dict[str, Test]) -> Callable[[Any], str]:
    """Makes a function that returns the first wrong field of an object in words."""

    def problem_in_entry(entry: Any) -> str:
        for name, test in (required | optional).items():
            if name in entry and not test(entry[name]):
                return f"{name} is {_type_of(entry[name])}"
            if name in required and name not in entry:
                return f"{name} is missing"
        return ""

    return problem_in_entry


def _interval(value: Any) -> bool:
    return value is None or (isinstance(value, list) and len(value) == 2 and all(map(_number, value)))


def _number_or_null(value: Any) -> bool:
    return value is None or _number(value)


VARIANT: dict[str, Test] = {"variant": _object, "parameters": _object}

ENTRIES: dict[str, Callable[[Any], str]] = {
    "plan.checks": _fields({"check": _text, "subject": _text}, VARIANT | {"uses": _list_of(_text), "worst": _text}),
    "plan.left_out": _fields({"what": _text, "checks": _list_of(_text), "subjects": _list_of(_text)}, {}),
    "subject.problems": _fields(
        {}, dict.fromkeys(("summary", "fix", "reproduce", "file", "outcome", "cause", "settled_by"), _text)
    ),
    "check.metrics": _fields(
        {"name": _text, "value": _number_or_null, "unit": _text, "better": _text, "samples": _number_or_null},
        {"interval": _interval, "effect": _number_or_null, "version": _text, "compared": _truth},
    ),
    "check.series": series.problem_in,
    "check.others": _fields(
        {"outcome": lambda value: value in SEVERITIES, "summary": _text},
        {"evidence": _object, "fix": _text, "affects": _list_of(_text), "about": _text},
    ),
}
"""A function for the entries of a field: it returns the first problem in words."""
