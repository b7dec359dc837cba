"""Any Python value as plain JSON; evidence comes from checks and may hold anything.

Non-finite floats become null, number-like objects numbers, sets sorted lists, everything else its text.
Lone surrogates become JSON escapes.
"""

from __future__ import annotations

import dataclasses
import json
import math
import numbers
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

Json = dict[str, Any]
"""A JSON object."""

DEPTH = 40
"""Nesting beyond this is cut: evidence that refers to itself must not end the run."""
PLAIN, CONTAINERS = frozenset({str, bool, int, type(None)}), frozenset({dict, list})
"""Types recognised by `type()` alone; isinstance checks against abstract classes are slower."""
FOREIGN = 60
"""Nesting beyond this was not written by `dumps`, and would end in a RecursionError later on."""


def loads(text: str) -> Any:
    """Returns the value of a JSON text that seatrial may not have written.

    Raises:
        ValueError: not JSON, or nested deeper than anything that `dumps` writes.
    """
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if text.count("[") + text.count("{") > FOREIGN and _deeper(value, FOREIGN):
        raise ValueError("nested too deeply")
    return value


def _deeper(value: Any, limit: int) -> bool:
    """True if containers are nested deeper than the limit; counts level by level, without recursion."""
    level = [value]
    for _ in range(limit):
        inner = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, (dict, list))]
        if not inner:
            return False
        level = [item for each in inner for item in each]
    return True


def dumps(value: Any, *, sort: bool = False, indent: int | None = None) -> str:
    """JSON text in ASCII; with `sort`, equal values give equal text."""
    return json.dumps(plain(value), ensure_ascii=True, allow_nan=False, sort_keys=sort, indent=indent)


def is_number(value: Any) -> bool:
    """True for int and float, not for bool."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def plain(value: Any, depth: int = DEPTH) -> Any:
    """Returns the value in JSON's own types."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind not in CONTAINERS and isinstance(value, numbers.Number):
        return _number(value)
    if depth == 0:
        return "..."
    if kind is dict or isinstance(value, Mapping):
        return {_text(name): plain(item, depth - 1) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, depth - 1) for item in value]
    if isinstance(value, AbstractSet):
        return sorted((plain(item, depth - 1) for item in value), key=repr)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name), depth - 1) for f in dataclasses.fields(value)}
    return _text(value)


def _number(value: Any) -> Any:
    """Whole numbers as int, real ones as float (numpy's included), null for NaN and infinity."""
    if isinstance(value, numbers.Integral):
        return int(value)
    if not isinstance(value, numbers.Real):
        return _text(value)
    number = float(value)
    return number if math.isfinite(number) else None


def _text(value: Any) -> str:
    """`str` of anything, also of an object whose own `__str__` fails."""
    if type(value) is str:
        return value
    try:
        return str.__str__(value) if isinstance(value, str) else str(value)
    except Exception:  # evidence must not end the run
        return f"<{type(value).__name__}>"
