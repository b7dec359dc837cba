"""Plots as inline SVG, drawn by matplotlib if it is installed; without it the page shows the numbers and says so.

Axis titles and legends are HTML next to the picture, so that they wrap, scale and can be read out.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from reports import wording
from reports.html import plot_legend, svg
from reports.records.to_json import Json

if TYPE_CHECKING:
    from markupsafe import Markup

CURVES = 8
"""Curves in one plot: the number of colours, markers and dashes."""

POINTS = 400
"""Points drawn of one curve; of longer curves only every second, third ... point."""

BARS = 24
SIZE = (5.0, 3.0)
"""Inches of 92 units; the width is about half of the page."""

STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "seatrial",
    "text.parse_math": False,
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": svg.INK,
    "axes.labelcolor": svg.INK,
    "text.color": svg.INK,
    "xtick.color": svg.INK,
    "ytick.color": svg.INK,
    "grid.color": svg.GRID,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.limits": (-3, 5),
    "axes.formatter.use_mathtext": False,
}
"""matplotlib's settings: text stays text, colours stand for classes of our style sheet."""


def available() -> bool:
    """True if matplotlib is installed; does not import it."""
    return find_spec("matplotlib") is not None


def draw(plot: Json, number: int) -> Markup | None:
    """The picture of {"kind", "title", "x", "y", "curves": [{"label", "points"}]}; None if it cannot be drawn."""
    if not available():
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on missing characters: the browser has other fonts
        try:
            drawn = _drawn(plot)
        except (ValueError, OverflowError, ArithmeticError):  # numbers too large or small for an axis
            return None
    return svg.inline(drawn, f"plot-{number}", plot["title"], described(plot))


def described(plot: Json) -> str:
    """The content of a plot in words."""
    curves = [f"{curve['label'] or 'all'}: {_curve_in_words(curve['points'])}" for curve in plot["curves"][:CURVES]]
    return wording.line(f"{plot['y']} by {plot['x']}. " + "; ".join(curves) + ".", 2_000)


def _curve_in_words(points: Sequence[Any]) -> str:
    first, last = points[0], points[-1]
    if len(points) == 1:
        return _point_in_words(first)
    most = max(points, key=lambda point: float(point[1]))
    ends = f"from {_point_in_words(first)} to {_point_in_words(last)}"
    return f"{len(points)} points, {ends}, at most {_point_in_words(most)}"


def _point_in_words(point: Sequence[Any]) -> str:
    return f"{wording.fact(point[1])} at {wording.fact(point[0])}"


def _drawn(plot: Json) -> str:
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        bars = plot["kind"] == "bar"
        rows = len({str(point[0]) for curve in plot["curves"] for point in curve["points"]}) if bars else 0
        height = max(SIZE[1], 0.9 + 0.2 * min(rows, BARS) * max(1, 0.6 * len(plot["curves"]))) if bars else SIZE[1]
        figure = Figure(figsize=(SIZE[0], height), dpi=92, layout="tight")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        (_bars if bars else _lines)(axes, plot)
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _lines(axes: Any, plot: Json) -> None:
    """Draws lines or points, with a band or bars for the intervals."""
    for number, curve in enumerate(plot["curves"][:CURVES]):
        index = curve.get("place", number)
        points = thinned(curve["points"])
        x, y = [point[0] for point in points], [point[1] for point in points]
        look = {
            "color": svg.colour(index),
            "marker": plot_legend.DRAWN[index],
            "markersize": 6,
            "markevery": max(1, len(points) // 10),
        }
        line = plot["kind"] == "line"
        axes.plot(x, y, linestyle=_dash(index) if line else "none", linewidth=1.8, **look)
        if all(len(point) == 4 for point in points):
            _intervals(axes, points, svg.colour(index), band=line)
    _scaled(axes, plot)


def _dash(index: int) -> Any:
    """The dash in matplotlib's notation."""
    return (0, tuple(map(float, plot_legend.DASHES[index].split()))) if plot_legend.DASHES[index] else "-"


def _intervals(axes: Any, points: Sequence[Any], colour: str, *, band: bool) -> None:
    x, y, low, high = ([point[part] for point in points] for part in range(4))
    if band:
        axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
    else:
        sides = [
            [max(0.0, b - a) for a, b in zip(low, y, strict=True)],
            [max(0.0, b - a) for a, b in zip(y, high, strict=True)],
        ]
        axes.errorbar(x, y, yerr=sides, fmt="none", ecolor=colour, elinewidth=1.2, capsize=3)


def _scaled(axes: Any, plot: Json) -> None:
    """Starts the axis at zero if that hides no detail; uses a logarithmic axis for values of very different size."""
    values = [point[1] for curve in plot["curves"] for point in curve["points"]]
    low, high = min(values), max(values)
    if low > 0 and high / low > 300:
        axes.set_yscale("log")
    elif 0 <= low < 0.6 * high:
        axes.set_ylim(bottom=0)
    if plot["kind"] == "points":
        axes.margins(x=0.12, y=0.15)


def _bars(axes: Any, plot: Json) -> None:
    """Draws horizontal bars, grouped by name, so that long names stay readable."""
    names = list(dict.fromkeys(str(point[0]) for curve in plot["curves"] for point in curve["points"]))[:BARS]
    curves = plot["curves"][:CURVES]
    thick = 0.8 / len(curves)
    for index, curve in enumerate(curves):
        values = {str(point[0]): point for point in curve["points"]}
        rows = [(row, values[name]) for row, name in enumerate(names) if name in values]
        heights = [row + index * thick - 0.4 + thick / 2 for row, _ in rows]
        colour = svg.colour(curve.get("place", index))
        axes.barh(heights, [point[1] for _, point in rows], thick * 0.9, color=colour)
        for height, (_, point) in zip(heights, rows, strict=True):
            if len(point) == 4:
                axes.plot(point[2:], [height, height], color=svg.INK, linewidth=1.2)
    axes.set_yticks(range(len(names)), [wording.line(name, 24) for name in names])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")


def thinned(points: Sequence[Any], most: int = POINTS) -> list[Any]:
    """At most `most` points, evenly spaced."""
    return list(points[:: math.ceil(len(points) / most) or 1])
