"""Variants of one model side by side: their costs in quality, their savings in memory and time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from reports import wording
from reports.records.run_records import RunRecords
from reports.records.to_json import Json, is_number

FULL = "full"
BY_VARIANT = ("quantization.", "quality.")
"""Metrics that are shown by variant even if only one variant has them."""

TRADE_OFFS = (
    ("Quality against memory", "quantization.memory_footprint"),
    ("Quality against speed", "quantization.decode_tokens_per_second"),
)
QUALITY = "quantization.kl_divergence"
FOOTPRINT, SPEED = "quantization.memory_footprint", "quantization.decode_tokens_per_second"
UNCHANGED = "quantization.greedy_unchanged"

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
"""The metrics that decide between variants, by the beginnings of their names; the others are folded."""

ROWS = 200


def compared(subject: Json) -> Json:
    """A table of metrics by variants with ratios to full precision; empty if there is one variant only."""
    rows: dict[tuple[str, str], dict[str, Json]] = {}
    titles = _titles([metric["variant"] for metric in subject["metrics"]])
    for metric in subject["metrics"]:
        key = (metric["name"], wording.parameters(metric.get("parameters") or {}))
        rows.setdefault(key, {}).setdefault(titles[wording.variant(metric["variant"])], metric)
    chosen = {key: row for key, row in rows.items() if key[0].startswith(BY_VARIANT) or len(row) > 1}
    columns = [title for title in titles.values() if any(title in row for row in chosen.values())]
    if len(columns) < 2:
        return {}
    columns.sort(key=lambda title: title != FULL)
    shown = [_row(key, chosen[key], columns) for key in sorted(chosen, key=_order)]
    first = sum(_rank(row["name"]) < len(FIRST) for row in shown) or len(shown)
    parts = [shown[:first], shown[first:ROWS]]
    head = {"subject": subject["subject"]["name"], "columns": columns, "more": len(shown[ROWS:])}
    head |= {"verdicts": _verdicts(subject, titles, columns), "says": says(subject)}
    return head | {"rows": shown[:ROWS], "parts": [part for part in parts if part]}


def _verdicts(subject: Json, titles: Mapping[str, str], columns: Sequence[str]) -> list[str]:
    """The verdict of each column; empty for a column that is no variant."""
    found = {titles.get(wording.variant(each["variant"])): each["verdict"] for each in subject.get("variants") or []}
    return [found.get(title, "") for title in columns]


def _order(key: tuple[str, str]) -> tuple[int, tuple[str, str]]:
    """Quality first, then memory and speed."""
    return _rank(key[0]), key


def _rank(name: str) -> int:
    return next((index for index, opening in enumerate(FIRST) if name.startswith(opening)), len(FIRST))


def _row(key: tuple[str, str], row: Mapping[str, Json], columns: Sequence[str]) -> Json:
    row = _in_megabytes(row)
    first = next(iter(row.values()))
    whole = row.get(FULL, {}).get("value")
    cells = [_cell(row.get(title), whole if title != FULL else None) for title in columns]
    return {"name": key[0], "parameters": key[1], "unit": first["unit"], "better": first["better"], "cells": cells}


def _in_megabytes(row: Mapping[str, Json]) -> Mapping[str, Json]:
    """A row of bytes in megabytes or gigabytes, with one unit for the whole row; other rows as they are."""
    values = [metric["value"] for metric in row.values()]
    if any(metric["unit"] != "bytes" for metric in row.values()) or not all(map(is_number, values)):
        return row
    factor, unit = (1e9, "GB") if max(values) >= 2e9 else (1e6, "MB")
    return {title: _divided(metric, factor) | {"unit": unit} for title, metric in row.items()}


def _divided(metric: Json, factor: float) -> Json:
    interval = metric.get("interval")
    scaled = [end / factor for end in interval] if interval else None
    return metric | {"value": metric["value"] / factor, "interval": scaled}


def _cell(metric: Json | None, whole: Any) -> Json:
    if metric is None:
        return {}
    value = metric["value"]
    ratio = value / whole if is_number(value) and is_number(whole) and whole else None
    return {
        "value": value,
        "interval": metric.get("interval"),
        "ratio": ratio,
        "worse": _worse(ratio, metric["better"]),
        "limits": metric.get("limits") or [],
    }


def _worse(ratio: float | None, better: str) -> bool:
    """True if a ratio to full precision is worse than 1 by more than a hundredth."""
    return ratio is not None and (ratio > 1.01 if better == "lower" else ratio < 0.99)


def says(subject: Json) -> str:
    """What the variants cost and save, in one or two sentences; empty without a quantized variant."""
    titles = _titles([metric["variant"] for metric in subject["metrics"]])
    measured: dict[str, dict[str, Json]] = {}
    for metric in subject["metrics"]:
        if is_number(metric["value"]):
            measured.setdefault(titles[wording.variant(metric["variant"])], {}).setdefault(metric["name"], metric)
    full = measured.get(FULL, {})
    quantized = {
        title: known
        for title, known in measured.items()
        if title != FULL and any(name.startswith("quantization.") for name in known)
    }
    if not quantized:
        return ""
    if weak := _too_weak(subject, full):
        return weak
    closest = min(quantized, key=lambda title: _distance(quantized[title]))
    smallest = min(quantized, key=lambda title: _value(quantized[title], FOOTPRINT, math.inf))
    facts = {title: wording.enumerated(_facts(known, full)) for title, known in quantized.items()}
    if closest == smallest:
        return f"{closest} {facts[closest]}." if facts[closest] else ""
    said = [f"{title} {facts[title]}" for title in (closest, smallest) if facts[title]]
    return f"{'; '.join(said)}." if said else ""


def _too_weak(subject: Json, full: Mapping[str, Json]) -> str:
    """Why the full model is no measure for its variants; empty if it is one."""
    generation = (subject.get("uses") or {}).get("generation") or {}
    if generation.get("state") == "unfit":
        return "The full model is unfit for generation: what a variant keeps of it says nothing about the variant."
    answers = full.get("quality.accuracy.answers")
    if answers and answers["value"] == 0:
        asked = f"none of {answers['samples']:,.0f} questions" if answers.get("samples") else "no question"
        return f"The full model answers {asked}: it is too weak to show what a variant loses."
    return ""


def _distance(known: Mapping[str, Json]) -> tuple[float, float]:
    """How far a variant is from the full model: by its answers, then by its predictions."""
    return -_value(known, UNCHANGED, -1.0), _value(known, QUALITY, math.inf)


def _value(known: Mapping[str, Json], name: str, default: float) -> float:
    return float(known[name]["value"]) if name in known else default


def _facts(known: Mapping[str, Json], full: Mapping[str, Json]) -> list[str]:
    """Costs and savings of one variant as verbs with their objects."""
    return [*_saved(known, full), *_kept(known), *_speed(known, full)]


def _saved(known: Mapping[str, Json], full: Mapping[str, Json]) -> Iterator[str]:
    if FOOTPRINT in known and full.get(FOOTPRINT, {}).get("value"):
        saved = 1 - known[FOOTPRINT]["value"] / full[FOOTPRINT]["value"]
        yield f"saves {saved:.0%} of the memory" if saved > 0 else f"takes {1 - saved:.3g} times the memory"


def _kept(known: Mapping[str, Json]) -> Iterator[str]:
    if UNCHANGED in known:
        many = round(known[UNCHANGED]["samples"])
        same = round(known[UNCHANGED]["value"] * many)
        yield f"gives {'all' if same == many else same} of {many} short answers unchanged"
    elif QUALITY in known:
        yield f"has a KL divergence of {wording.number(known[QUALITY]['value'])} {known[QUALITY]['unit']}"


def _speed(known: Mapping[str, Json], full: Mapping[str, Json]) -> Iterator[str]:
    ratio = known.get("quantization.decode_speed_ratio")
    value = ratio["value"] if ratio else None
    if value is None and SPEED in known and full.get(SPEED, {}).get("value"):
        value = known[SPEED]["value"] / full[SPEED]["value"]
    if value is not None:
        yield f"writes {value:.2g} times as fast"


def _titles(variants: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """A title for each variant by its words: the quantization, and all its words if that is not unique."""
    by_words = {wording.variant(each): each for each in variants}
    short = {words: _short_title(each) for words, each in by_words.items()}
    counts = Counter(short.values())
    return {words: title if counts[title] == 1 else f"{title} · {words}" for words, title in short.items()}


def _short_title(variant: Mapping[str, Any]) -> str:
    if not variant:
        return "no weights"
    quantization = variant.get("quantization")
    return FULL if quantization in (None, "", "none") else str(quantization)


def trade_offs(table: Json, subject: Json) -> list[Json]:
    """Plots of quality against memory and speed, with one point for each variant; full precision is at zero loss."""
    by_name = {row["name"]: row for row in reversed(table["rows"])}
    quality = by_name.get(QUALITY)
    plots = []
    for title, other in TRADE_OFFS:
        if quality and (cost := by_name.get(other)):
            curves = _points(table["columns"], cost["cells"], quality["cells"])
            if len(curves) > 1:
                axes = {
                    "x": f"{wording.words(other.partition('.')[2])} ({cost['unit']})",
                    "y": f"KL divergence ({quality['unit']})",
                }
                plots.append(
                    {"kind": "points", "title": title, "about": subject["subject"]["name"], "curves": curves} | axes
                )
    return plots


def _points(titles: Sequence[str], costs: Sequence[Json], losses: Sequence[Json]) -> list[Json]:
    curves = []
    for title, cost, loss in zip(titles, costs, losses, strict=True):
        lost = 0.0 if title == FULL and not loss else loss.get("value")
        if cost.get("value") is not None and lost is not None:
            interval = list(loss.get("interval") or (lost, lost))
            curves.append({"label": title, "variant": title, "points": [[cost["value"], lost, *interval]]})
    return curves


def series(records: RunRecords) -> list[Json]:
    """The series that checks recorded; each plot has one series of one subject with all its variants."""
    plots: dict[tuple[str, ...], Json] = {}
    titles = _titles([check.variant for check in records.checks if check.series])
    for check in records.checks:
        for recorded in check.series:
            if not recorded["points"]:
                continue
            key = (recorded["name"], check.subject, recorded["kind"], recorded["x"], recorded["y"])
            suite, _, name = recorded["name"].partition(".")
            new = {field: recorded[field] for field in ("name", "kind", "x", "y")}
            new |= {"title": wording.title(name), "about": check.subject, "suite": suite, "curves": []}
            plot = plots.setdefault(key, new)
            label = titles[wording.variant(check.variant)] if check.variant else ""
            plot["curves"].append(
                {
                    "label": label,
                    "variant": label,
                    "how": wording.parameters(check.parameters),
                    "points": recorded["points"],
                }
            )
    return [_labelled(plot) for plot in plots.values()]


def _labelled(plot: Json) -> Json:
    """The plot with parameters in its labels if the curves differ in them, else next to the title."""
    how = {curve["how"] for curve in plot["curves"]}
    if len(how) == 1:
        return plot | {"how": how.pop()}
    for curve in plot["curves"]:
        curve["label"] = " · ".join(part for part in (curve["label"], curve["how"]) if part)
    return plot
