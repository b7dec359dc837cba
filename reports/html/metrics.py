"""The sections of capabilities, metrics and plots: of one model in full, of several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reports import wording
from reports.html import answers_and_tokens, plots, values
from reports.output import variants
from reports.records.capabilities import order, phrase, topic
from reports.records.outcomes import worst
from reports.records.run_records import RunRecords
from reports.records.to_json import Json

PLOTS = 40
"""Plots of one page; each takes a twentieth of a second to draw."""

NUMBERS = 40
"""Points of a curve that are listed as numbers below the plot."""

ROWS = 400
ABSENT = "not probed"


def capabilities(records: RunRecords, subjects: Sequence[Json]) -> list[Json]:
    """A row for each capability with a cell for each subject; rows that differ come first."""
    evidence_of: dict[tuple[str, str], Any] = {}
    for check in records.checks:
        for name, fact in check.capabilities.items():
            evidence_of.setdefault((check.subject, name), fact.get("evidence"))
    rows = []
    for name in sorted({name for subject in subjects for name in subject["capabilities"]}, key=order):
        proofs = [evidence_of.get((subject["subject"]["name"], name)) for subject in subjects]
        cells = [_cell(subject, name, proof) for subject, proof in zip(subjects, proofs, strict=True)]
        rows.append({"name": name, "topic": topic(name), "phrase": phrase(name), "cells": cells})
    return _differences_first(rows)


def _cell(subject: Json, name: str, proof: Any) -> Json:
    shown = proof not in (None, "", [], {}) and name != answers_and_tokens.ANSWERS
    return {
        "value": wording.line(wording.fact(subject["capabilities"].get(name, ABSENT)), 120),
        "evidence": values.show(proof, 600) if shown else "",
    }


def _differences_first(rows: Sequence[Json]) -> list[Json]:
    """Rows with different values, then rows that only some models have, then rows that are equal in all."""
    return sorted((row | {"differs": _difference(row["cells"])} for row in rows), key=lambda row: -row["differs"])


def _difference(cells: Sequence[Json]) -> int:
    distinct = {str(cell["value"]) for cell in cells}
    return 2 if len(distinct - {ABSENT, ""}) > 1 else int(len(distinct) > 1)


def metrics(subjects: Sequence[Json], tables: Sequence[Json]) -> list[Json]:
    """The metrics that no other table shows."""
    shown = {(table["subject"], row["name"]) for table in tables for row in table["rows"]}
    return [
        metric
        for subject in subjects
        for metric in sorted(subject["metrics"], key=lambda metric: str(metric["name"]))
        if (subject["subject"]["name"], metric["name"]) not in shown
        and not answers_and_tokens.is_cost(str(metric["name"]))
    ]


def side_by_side(subjects: Sequence[Json]) -> list[Json]:
    """A row for each metric, variant and parameters, with a cell for each model; the best is marked."""
    rows: dict[tuple[str, ...], dict[str, Json]] = {}
    for subject in subjects:
        for metric in subject["metrics"]:
            if not answers_and_tokens.is_cost(str(metric["name"])):
                how = (wording.variant(metric["variant"]), wording.parameters(metric.get("parameters") or {}))
                rows.setdefault((str(metric["name"]), *how), {}).setdefault(subject["subject"]["name"], metric)
    return [_compared(key, row, subjects) for key, row in sorted(rows.items())]


def _compared(key: tuple[str, ...], row: dict[str, Json], subjects: Sequence[Json]) -> Json:
    first = next(iter(row.values()))
    measured = [metric["value"] for metric in row.values() if isinstance(metric["value"], (int, float))]
    best = (min if first["better"] == "lower" else max)(measured, default=None)
    distinct = len(set(measured)) > 1
    cells = [
        {"value": metric["value"], "interval": metric.get("interval"), "best": distinct and metric["value"] == best}
        if (metric := row.get(subject["subject"]["name"]))
        else {}
        for subject in subjects
    ]
    how = " ".join(part for part in key[1:] if part)
    return {"name": key[0], "how": how, "unit": first["unit"], "better": first["better"], "cells": cells}


def findings_matrix(records: RunRecords, subjects: Sequence[Json]) -> list[Json]:
    """A row for each check that found a problem, with the severity in each model; rows that differ come first."""
    severities: dict[str, dict[str, str]] = {}
    for subject in subjects:
        for finding in subject["findings"]:
            row = severities.setdefault(finding["check"], {})
            name = subject["subject"]["name"]
            row[name] = worst([row.get(name, finding["severity"]), finding["severity"]])
    outcomes = {(check.check, check.subject): check.outcome for check in records.checks}
    rows = []
    for check, row in sorted(severities.items()):
        names = (subject["subject"]["name"] for subject in subjects)
        cells = [{"value": row.get(name) or outcomes.get((check, name), "")} for name in names]
        rows.append({"name": check, "cells": cells})
    return _differences_first(rows)


def pictures(records: RunRecords, subjects: Sequence[Json], tables: Sequence[Json]) -> tuple[list[Json], int]:
    """The plots with drawing, legend and numbers, and the number of plots left out."""
    by_name = {subject["subject"]["name"]: subject for subject in subjects}
    every = [plot for table in tables for plot in variants.trade_offs(table, by_name[table["subject"]])]
    every += variants.series(records)
    names = list(dict.fromkeys(curve["variant"] for plot in every for curve in plot["curves"]))
    shown = [_with_colours(plot, names) for plot in every[:PLOTS]]
    return [_pictured(plot, number) for number, plot in enumerate(shown, 1)], len(every[PLOTS:])


def _with_colours(plot: Json, variants: Sequence[str]) -> Json:
    """The plot with the place of each curve's variant in the palette, the same in all plots.

    Where two curves are of one variant, or the palette is too short, the curves are counted instead.
    """
    places = [variants.index(curve["variant"]) for curve in plot["curves"]]
    if len(set(places)) < len(places) or max(places, default=0) >= plots.CURVES:
        places = list(range(len(places)))
    curves = [curve | {"place": place} for curve, place in zip(plot["curves"], places, strict=True)]
    return plot | {"curves": curves}


def _pictured(plot: Json, number: int) -> Json:
    numbers = [
        (
            curve["label"],
            [tuple(wording.fact(value) for value in point) for point in plots.thinned(curve["points"], NUMBERS)],
        )
        for curve in plot["curves"]
    ]
    legend = [(curve["place"], curve["label"]) for curve in plot["curves"][: plots.CURVES] if curve["label"]]
    left_out = len(plot["curves"][plots.CURVES :])
    return plot | {"drawing": plots.draw(plot, number), "legend": legend, "numbers": numbers, "left_out": left_out}
