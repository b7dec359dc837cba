"""Tests of seatrial itself.

`fixtures/`, `suites/` and `reports/` mirror the packages that they test; `gallery/` holds documented defects that the
checks must catch; tests in `runs/` start pytest or a browser. `processes/` starts processes for all of them, and
`documents/` writes the pages of `docs/` that come from real runs.
"""
