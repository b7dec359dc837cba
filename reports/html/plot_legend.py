"""Dashes and markers of curves, in plots and legends, so that colour is never the only difference."""

from __future__ import annotations

DASHES = ("", "6 2", "2 2", "8 2 2 2", "4 4", "1 1", "10 3", "6 2 1 2")
"""In SVG's notation, in units of roughly the line width."""

DRAWN = ("o", "s", "^", "D", "v", "P", "X", "*")
"""matplotlib's names of the markers."""

MARKERS = (
    "M15 2a4 4 0 1 0 .01 0z",
    "M11.500 2.500h7v7h-7z",
    "M15 1.500l4.500 8h-9z",
    "M15 1l5 5-5 5-5-5z",
    "M15 10.500l4.500-8h-9z",
    "M13.500 1.500h3v3h3v3h-3v3h-3v-3h-3v-3h3z",
    "M13 2l2 2 2-2 2 2-2 2 2 2-2 2-2-2-2 2-2-2 2-2-2-2z",
    "M15 .8l1.500 3.500 3.800.3-2.900 2.500.9 3.700-3.300-2-3.300 2 .9-3.700-2.900-2.500 3.800-.3z",
)
"""The same markers in a box of 30 by 12."""
