"""Variants of one model side by side: what each costs in quality, and saves in memory and time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reports import wording
from reports.records.schema import Json, Trial

FULL = "full"
ABOUT = ("quantization.", "quality.")
"""Metrics that are shown by variant also where only one variant has them."""

AGAINST = (
    ("Quality against memory", "quantization.memory_footprint"),
    ("Quality against speed", "quantization.decode_tokens_per_second"),
)
QUALITY = "quantization.kl_divergence"

FIRST = (
    QUALITY,
    "quantization.top1_agreement",
    "quantization.perplexity_ratio",
    "quantization.greedy_unchanged",
    "quality.",
    "quantization.memory_footprint",
    "quantization.peak_memory",
    "quantization.decode_tokens_per_second",
    "quantization.decode_speed_ratio",
    "quantization.prefill_tokens_per_second",
    "quantization.time_to_first_token",
    "quantization.load_time",
)
"""What decides between variants, by the beginnings of names: what is lost, what is saved. The others are folded."""

ROWS = 200


def compared(case: Json) -> Json:
    """Rows of metrics, columns of variants, with ratios to full precision; empty where there is no choice."""
    rows: dict[tuple[str, str], dict[str, Json]] = {}
    titles = _titles([metric["variant"] for metric in case["metrics"]])
    for metric in case["metrics"]:
        key = (metric["name"], wording.parameters(metric.get("parameters") or {}))
        rows.setdefault(key, {}).setdefault(titles[wording.variant(metric["variant"])], metric)
    chosen = {key: row for key, row in rows.items() if key[0].startswith(ABOUT) or len(row) > 1}
    columns = [title for title in titles.values() if any(title in row for row in chosen.values())]
    if len(columns) < 2:
        return {}
    columns.sort(key=lambda title: title != FULL)
    shown = [_row(key, chosen[key], columns) for key in sorted(chosen, key=_order)]
    first = sum(_rank(row["name"]) < len(FIRST) for row in shown) or len(shown)
    parts = [shown[:first], shown[first:ROWS]]
    about = {"subject": case["subject"]["name"], "columns": columns, "more": len(shown[ROWS:])}
    return about | {"rows": shown[:ROWS], "parts": [part for part in parts if part]}


def _order(key: tuple[str, str]) -> tuple[int, tuple[str, str]]:
    """Quality first: what a variant does to the answers, before what it does to the machine."""
    return _rank(key[0]), key


def _rank(name: str) -> int:
    return next((place for place, opening in enumerate(FIRST) if name.startswith(opening)), len(FIRST))


def _row(key: tuple[str, str], row: Mapping[str, Json], columns: Sequence[str]) -> Json:
    row = _handy(row)
    first = next(iter(row.values()))
    whole = row.get(FULL, {}).get("value")
    cells = [_cell(row.get(title), whole if title != FULL else None) for title in columns]
    return {"name": key[0], "parameters": key[1], "unit": first["unit"], "better": first["better"], "cells": cells}


def _handy(row: Mapping[str, Json]) -> Mapping[str, Json]:
    """Bytes in megabytes or gigabytes, one unit for the whole row."""
    values = [metric["value"] for metric in row.values()]
    if any(metric["unit"] != "bytes" for metric in row.values()) or not all(map(_is_number, values)):
        return row
    factor, unit = (1e9, "GB") if max(values) >= 2e9 else (1e6, "MB")
    return {title: _divided(metric, factor) | {"unit": unit} for title, metric in row.items()}


def _divided(metric: Json, factor: float) -> Json:
    interval = metric.get("interval")
    scaled = [end / factor for end in interval] if interval else None
    return metric | {"value": metric["value"] / factor, "interval": scaled}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _cell(metric: Json | None, whole: Any) -> Json:
    if metric is None:
        return {}
    value = metric["value"]
    ratio = value / whole if _is_number(value) and _is_number(whole) and whole else None
    return {
        "value": value,
        "interval": metric.get("interval"),
        "ratio": ratio,
        "worse": _worse(ratio, metric["better"]),
    }


def _worse(ratio: float | None, better: str) -> bool:
    """Whether a ratio to full precision is one for the worse, by more than a hundredth."""
    return ratio is not None and (ratio > 1.01 if better == "lower" else ratio < 0.99)


def _titles(variants: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """A short title for each variant: its quantization, or what else tells it from the others."""
    told = {wording.variant(each): each for each in variants}
    short = {long: _short(each) for long, each in told.items()}
    several = Counter(short.values())
    return {long: name if several[name] == 1 else f"{name} · {long}" for long, name in short.items()}


def _short(variant: Mapping[str, Any]) -> str:
    if not variant:
        return "no weights"
    quantization = variant.get("quantization")
    return FULL if quantization in (None, "", "none") else str(quantization)


def trades(table: Json, case: Json) -> list[Json]:
    """Plots of quality against memory and speed, one point for each variant; full precision loses nothing."""
    by_name = {row["name"]: row for row in reversed(table["rows"])}
    quality = by_name.get(QUALITY)
    found = []
    for title, other in AGAINST:
        if quality and (cost := by_name.get(other)):
            curves = _points(table["columns"], cost["cells"], quality["cells"])
            if len(curves) > 1:
                axes = {
                    "x": f"{wording.words(other.partition('.')[2])} ({cost['unit']})",
                    "y": f"KL divergence ({quality['unit']})",
                }
                found.append(
                    {"kind": "points", "title": title, "about": case["subject"]["name"], "curves": curves} | axes
                )
    return found


def _points(titles: Sequence[str], costs: Sequence[Json], losses: Sequence[Json]) -> list[Json]:
    curves = []
    for title, cost, loss in zip(titles, costs, losses, strict=True):
        lost = 0.0 if title == FULL and not loss else loss.get("value")
        if cost.get("value") is not None and lost is not None:
            interval = list(loss.get("interval") or (lost, lost))
            curves.append({"label": title, "points": [[cost["value"], lost, *interval]]})
    return curves


def series(trial: Trial) -> list[Json]:
    """What checks recorded to be plotted: the same series of several variants in one plot, for each subject."""
    plots: dict[tuple[str, ...], Json] = {}
    titles = _titles([check.variant for check in trial.checks if check.series])
    for check in trial.checks:
        for one in check.series:
            if not one["points"]:
                continue
            key = (one["name"], check.subject, one["kind"], one["x"], one["y"])
            suite, _, name = one["name"].partition(".")
            base = {
                "kind": one["kind"],
                "title": wording.title(name),
                "about": check.subject,
                "suite": suite,
            }
            plot = plots.setdefault(key, base | {"x": one["x"], "y": one["y"], "curves": [], "name": one["name"]})
            label = titles[wording.variant(check.variant)] if check.variant else ""
            plot["curves"].append(
                {"label": label, "how": wording.parameters(check.parameters), "points": one["points"]}
            )
    return [_labelled(plot) for plot in plots.values()]


def _labelled(plot: Json) -> Json:
    """Parameters in the labels where the curves differ in them, beside the title where they do not."""
    how = {curve["how"] for curve in plot["curves"]}
    if len(how) == 1:
        return plot | {"how": how.pop()}
    for curve in plot["curves"]:
        curve["label"] = " · ".join(part for part in (curve["label"], curve["how"]) if part)
    return plot
