"""Series of points for plots: checks record them, the report draws them, baselines leave them out.

A record holds {"name": `suite.snake_case`, "kind": line, bar or points, "x": title, "y": title, "points": [...]}.
A point is [x, y], or [x, y, low, high] with a 95% interval of y.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from reports.records import to_json
from reports.records.to_json import Json, is_number

KINDS = ("line", "bar", "points")
NAME = re.compile(r"[a-z_]+\.[a-z0-9_]+")


def entry(name: str, points: Iterable[Sequence[Any]], x: str, y: str, kind: str) -> Json:
    """Returns the record of one series, without the points that are not finite: no plot can show them.

    Raises:
        ValueError: the check called it with a wrong name, kind or point.
    """
    series = {"name": name, "kind": kind, "x": x, "y": y, "points": to_json.plain([list(point) for point in points])}
    if not NAME.fullmatch(name):
        raise ValueError(f"series {name!r}: a name is suite.snake_case")
    series["points"] = [point for point in series["points"] if None not in point]
    if problem := problem_in(series):
        raise ValueError(f"series {name}: {problem}")
    return series


def problem_in(series: Any) -> str:
    """Returns the first field of a series that is wrong, in words; empty if all are right."""
    if not isinstance(series, dict):
        return "is no object"
    if not all(isinstance(series.get(part), str) for part in ("name", "x", "y")):
        return "name, x and y are texts"
    if series.get("kind") not in KINDS:
        return f"kind is one of {', '.join(KINDS)}, not {series.get('kind')!r}"
    if not isinstance(series.get("points"), list):
        return "points is a list"
    return next((problem for point in series["points"] if (problem := _problem_in_point(point, series["kind"]))), "")


def _problem_in_point(point: Any, kind: str) -> str:
    if not isinstance(point, list) or len(point) not in (2, 4):
        return f"a point is [x, y] or [x, y, low, high], not {point!r}"
    first, rest = point[0], point[1:]
    if not all(map(is_number, rest)):
        return f"the values of a point are numbers: {point!r}"
    if not is_number(first) and not (kind == "bar" and isinstance(first, str)):
        return f"x is a number, or a text where kind is bar: {point!r}"
    return ""
