"""Series of points for plots: recorded by checks, shown by the report, compared by nobody.

A record holds {"name": `suite.snake_case`, "kind": line, bar or points, "x": title, "y": title, "points": [...]};
a point is [x, y], or [x, y, low, high] with a 95% interval of y.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from reports.records import to_json

if TYPE_CHECKING:
    from reports.records.schema import Json

KINDS = ("line", "bar", "points")
NAME = re.compile(r"[a-z_]+\.[a-z0-9_]+")


def entry(name: str, points: Iterable[Sequence[Any]], x: str, y: str, kind: str) -> Json:
    """What a record holds of one series; a wrong shape is the mistake of a check and told at once.

    A point whose number is not finite is left out: no plot can show it.
    """
    series = {"name": name, "kind": kind, "x": x, "y": y, "points": to_json.plain([list(point) for point in points])}
    if not NAME.fullmatch(name):
        raise ValueError(f"series {name!r}: a name is suite.snake_case")
    series["points"] = [point for point in series["points"] if None not in point]
    if problem := mistake(series):
        raise ValueError(f"series {name}: {problem}")
    return series


def mistake(series: Any) -> str:
    """What is wrong with the shape of a series; empty when nothing is."""
    if not isinstance(series, dict):
        return "is no object"
    if not all(isinstance(series.get(part), str) for part in ("name", "x", "y")):
        return "name, x and y are texts"
    if series.get("kind") not in KINDS:
        return f"kind is one of {', '.join(KINDS)}, not {series.get('kind')!r}"
    if not isinstance(series.get("points"), list):
        return "points is a list"
    return next((why for point in series["points"] if (why := _odd(point, series["kind"]))), "")


def _odd(point: Any, kind: str) -> str:
    if not isinstance(point, list) or len(point) not in (2, 4):
        return f"a point is [x, y] or [x, y, low, high], not {point!r}"
    first, rest = point[0], point[1:]
    if not all(map(_number, rest)):
        return f"the values of a point are numbers: {point!r}"
    if not _number(first) and not (kind == "bar" and isinstance(first, str)):
        return f"x is a number, or a text where kind is bar: {point!r}"
    return ""


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
