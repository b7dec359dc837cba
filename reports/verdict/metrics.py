"""Metrics and capabilities of one subject, gathered from its check records."""

from __future__ import annotations

from collections.abc import Iterable

from reports.records.schema import Check, Json
from reports.wording import variant


def metrics_of(checks: Iterable[Check]) -> list[Json]:
    """Each metric with where it comes from."""
    return [
        {"name": metric["name"], "variant": check.variant, **metric, "check": check.check}
        | ({"parameters": check.parameters} if check.parameters else {})
        for check in checks
        for metric in check.metrics
    ]


def capabilities_of(checks: Iterable[Check]) -> Json:
    """Name to value; where variants disagree, each value with its variant."""
    seen: dict[str, dict[str, Json]] = {}
    for check in checks:
        for name, fact in check.capabilities.items():
            seen.setdefault(name, {}).setdefault(str(fact.get("value")), {"value": fact.get("value"), "where": check})
    return {name: _one_value(values) for name, values in sorted(seen.items())}


def _one_value(values: dict[str, Json]) -> object:
    if len(values) == 1:
        return next(iter(values.values()))["value"]
    return "; ".join(
        f"{text} ({variant(entry['where'].variant) or entry['where'].check})" for text, entry in values.items()
    )
