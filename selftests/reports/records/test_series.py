"""Points for plots: valid ones survive the file, others are refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from reports.records import series
from reports.records.schema import Check, Writer, read
from reports.run.observer import RunningCheck

DESCRIPTION = {"check": "quality/x", "subject": "s", "variant": {}, "parameters": {}, "reproduce": ""}
GOOD: list[list[Any]] = [[0, 1.5], [1, 2, 1.5, 2.5]]


def observed(points: Any, **changes: Any) -> dict[str, Any]:
    observation = RunningCheck(DESCRIPTION)
    observation.series("quality.loss", points, **({"x": "position", "y": "loss (nats)"} | changes))
    return observation.fields()


def test_series_survive_the_file(tmp_path: Path) -> None:
    """The report reads what the check recorded."""
    record = observed(GOOD)
    assert record["series"] == [
        {"name": "quality.loss", "kind": "line", "x": "position", "y": "loss (nats)", "points": GOOD}
    ]
    writer = Writer(tmp_path / "records.jsonl")
    writer.write(Check.from_json(record))
    writer.close()
    assert next(read(tmp_path / "records.jsonl")) == Check.from_json(record)


def test_records_without_series_are_read() -> None:
    """Records of an older version, or of a check without series."""
    assert "series" not in RunningCheck(DESCRIPTION).fields()
    assert Check("a/b", "s", "pass").series == []


def test_numpy_numbers_are_numbers_and_what_is_not_finite_is_left_out() -> None:
    """Checks compute with numpy, and a NaN must not end them."""
    numpy = pytest.importorskip("numpy")
    points = numpy.asarray([[0, 0.5], [1, math.nan]], dtype=numpy.float32)
    assert observed(points)["series"][0]["points"] == [[0, 0.5]]


def test_texts_are_taken_as_x_of_bars_only() -> None:
    """A line between words means nothing."""
    assert observed([["German", 1]], kind="bar")["series"][0]["points"] == [["German", 1]]
    with pytest.raises(ValueError, match="x is a number"):
        observed([["German", 1]])


@pytest.mark.parametrize("points", [[[1]], [[1, 2, 3]], [[1, "2"]], [[1, True]], ["ab"], [[[1], 2]]])
def test_points_of_another_shape_are_refused(points: Any) -> None:
    """A wrong call of a check fails at once."""
    with pytest.raises(ValueError, match=r"quality\.loss: "):
        observed(points)


def test_names_and_kinds_are_checked() -> None:
    """Names are `suite.snake_case`, kinds are three."""
    with pytest.raises(ValueError, match="kind is one of line, bar, points"):
        observed(GOOD, kind="pie")
    with pytest.raises(ValueError, match=r"suite\.snake_case"):
        series.entry("Loss", GOOD, "x", "y", "line")
