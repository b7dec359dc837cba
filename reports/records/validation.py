"""Whether the fields of a record hold what the schema says: a foreign or edited file is refused by name."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from typing import Any

from reports.records import series

Test = Callable[[Any], bool]


def mistake(record: Any) -> str:
    """The first field that holds something else, in words; empty when all is well."""
    return next(_mistakes(record), "")


def _mistakes(record: Any) -> Iterator[str]:
    for field in dataclasses.fields(record):
        value, wanted = getattr(record, field.name), str(field.type)
        if wanted in TYPES and not TYPES[wanted](value):
            yield f"{field.name} is {_told(value)}, not {WORDS.get(wanted, wanted)}"
        elif check := INSIDE.get(f"{record.kind}.{field.name}"):
            yield from (f"{field.name}: {why}" for each in _entries(value) if (why := check(each)))


def _entries(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else list(value)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> bool:
    """Also finite, and no whole number beyond what a float holds: arithmetic would end in a traceback."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < sys.float_info.max


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
"""What each annotation of the schema allows."""

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


def _told(value: Any) -> str:
    """What a value is, without the value: it may be long."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not _number(value):
        return "no finite number"
    names = {type(None): "null", str: "a text", dict: "an object", list: "a list", bool: "true or false"}
    return names.get(type(value), "a number")


def _fields(wanted: dict[str, Test], optional: dict[str, Test]) -> Callable[[Any], str]:
    """A test of an object's entries, which says what is wrong."""

    def wrong(entry: Any) -> str:
        for name, test in (wanted | optional).items():
            if name in entry and not test(entry[name]):
                return f"{name} is {_told(entry[name])}"
            if name in wanted and name not in entry:
                return f"{name} is missing"
        return ""

    return wrong


def _interval(value: Any) -> bool:
    return value is None or (isinstance(value, list) and len(value) == 2 and all(map(_number, value)))


def _maybe_number(value: Any) -> bool:
    return value is None or _number(value)


PLACE: dict[str, Test] = {"variant": _object, "parameters": _object}

INSIDE: dict[str, Callable[[Any], str]] = {
    "plan.checks": _fields({"check": _text, "subject": _text}, PLACE),
    "subject.problems": _fields({}, {"summary": _text, "remedy": _text, "reproduce": _text, "file": _text}),
    "check.metrics": _fields(
        {"name": _text, "value": _maybe_number, "unit": _text, "better": _text, "samples": _maybe_number},
        {"interval": _interval, "effect": _maybe_number, "version": _text, "compared": _truth},
    ),
    "check.series": series.mistake,
}
"""What the entries of a field must hold."""
