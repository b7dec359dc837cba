"""Capabilities, metrics and plots: of one model with the proof, of several side by side, differences first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reports import wording
from reports.html import answers_and_tokens, evidence, plots
from reports.output import variants
from reports.records.schema import Json, Trial

PLOTS = 40
"""Plots of one page; each takes a twentieth of a second to draw."""

NUMBERS = 40
"""Points of a curve whose numbers are listed below the plot."""

ROWS = 400
ABSENT = "not probed"


def capabilities(trial: Trial, cases: Sequence[Json]) -> list[Json]:
    """Rows of the matrix: a name and one cell for each subject; what differs first."""
    proof: dict[tuple[str, str], Any] = {}
    for check in trial.checks:
        for name, fact in check.capabilities.items():
            proof.setdefault((name, check.subject), fact.get("evidence"))
    every = sorted({name for case in cases for name in case["capabilities"]})
    rows = [
        {"name": name, "cells": [_cell(case, name, proof.get((name, case["subject"]["name"]))) for case in cases]}
        for name in every
    ]
    return _differences_first([row | _parts(row["name"]) for row in rows])


def _parts(name: str) -> dict[str, str]:
    """What a capability is about, and its name without that."""
    about, _, short = name.partition(".")
    return {"about": about if short else "", "short": short or name}


def _cell(case: Json, name: str, proof: Any) -> Json:
    shown = proof not in (None, "", [], {}) and name != answers_and_tokens.ANSWERS
    return {
        "value": wording.line(wording.fact(case["capabilities"].get(name, ABSENT)), 120),
        "evidence": evidence.show(proof, 600) if shown else "",
    }


def _differences_first(rows: Sequence[Json]) -> list[Json]:
    """Rows with different values, then rows that only some models have, then what is the same in all."""
    return sorted((row | {"differs": _unlike(row["cells"])} for row in rows), key=lambda row: -row["differs"])


def _unlike(cells: Sequence[Json]) -> int:
    values = {str(cell["value"]) for cell in cells}
    told = values - {ABSENT, ""}
    return 2 if len(told) > 1 else int(len(values) > 1)


def metrics(cases: Sequence[Json], tables: Sequence[Json]) -> list[Json]:
    """Of one model, what no other table shows."""
    shown = {(table["subject"], row["name"]) for table in tables for row in table["rows"]}
    return [
        metric
        for case in cases
        for metric in sorted(case["metrics"], key=lambda metric: str(metric["name"]))
        if (case["subject"]["name"], metric["name"]) not in shown
        and not answers_and_tokens.is_cost(str(metric["name"]))
    ]


def side_by_side(cases: Sequence[Json]) -> list[Json]:
    """Of several models: rows of metrics with variant and parameters, one cell for each model, the best marked."""
    rows: dict[tuple[str, ...], dict[str, Json]] = {}
    for case in cases:
        for metric in case["metrics"]:
            if not answers_and_tokens.is_cost(str(metric["name"])):
                how = (wording.variant(metric["variant"]), wording.parameters(metric.get("parameters") or {}))
                rows.setdefault((str(metric["name"]), *how), {}).setdefault(case["subject"]["name"], metric)
    return [_compared(key, row, cases) for key, row in sorted(rows.items())]


def _compared(key: tuple[str, ...], row: dict[str, Json], cases: Sequence[Json]) -> Json:
    first = next(iter(row.values()))
    values = {name: metric["value"] for name, metric in row.items() if isinstance(metric["value"], (int, float))}
    best = (min if first["better"] == "lower" else max)(values.values(), default=None)
    distinct = len(set(values.values())) > 1
    cells = [
        {"value": metric["value"], "interval": metric.get("interval"), "best": distinct and metric["value"] == best}
        if (metric := row.get(case["subject"]["name"]))
        else {}
        for case in cases
    ]
    how = " ".join(part for part in key[1:] if part)
    return {"name": key[0], "how": how, "unit": first["unit"], "better": first["better"], "cells": cells}


def findings_matrix(trial: Trial, cases: Sequence[Json]) -> list[Json]:
    """Checks that found something in any model, with the severity in each; what differs first."""
    found: dict[str, dict[str, str]] = {}
    for case in cases:
        for finding in case["findings"]:
            row = found.setdefault(finding["check"], {})
            row[case["subject"]["name"]] = min(row.get(case["subject"]["name"], "hazard"), finding["severity"])
    ran = {(check.check, check.subject): check.outcome for check in trial.checks}
    rows = []
    for check, row in sorted(found.items()):
        names = (case["subject"]["name"] for case in cases)
        cells = [{"value": row.get(name) or ran.get((check, name), "")} for name in names]
        rows.append({"name": check, "cells": cells})
    return _differences_first(rows)


def pictures(trial: Trial, cases: Sequence[Json], tables: Sequence[Json]) -> tuple[list[Json], int]:
    """The plots with drawing, legend and numbers, and how many more there are."""
    by_name = {case["subject"]["name"]: case for case in cases}
    wanted = [plot for table in tables for plot in variants.trades(table, by_name[table["subject"]])]
    wanted += variants.series(trial)
    return [_pictured(plot, number) for number, plot in enumerate(wanted[:PLOTS], 1)], len(wanted[PLOTS:])


def _pictured(plot: Json, number: int) -> Json:
    numbers = [
        (
            curve["label"],
            [tuple(wording.fact(value) for value in point) for point in plots.thinned(curve["points"], NUMBERS)],
        )
        for curve in plot["curves"]
    ]
    legend = [(index, curve["label"]) for index, curve in enumerate(plot["curves"][: plots.CURVES]) if curve["label"]]
    left_out = len(plot["curves"][plots.CURVES :])
    return plot | {"drawing": plots.draw(plot, number), "legend": legend, "numbers": numbers, "left_out": left_out}
