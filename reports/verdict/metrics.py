"""Metrics and capabilities of one subject, from its check records."""

from __future__ import annotations

from collections.abc import Iterable

from reports.records.schema import Check
from reports.records.to_json import Json
from reports.wording import variant


def metrics_of(checks: Iterable[Check]) -> list[Json]:
    """Each metric with its check, variant and parameters."""
    return [
        {"name": metric["name"], "variant": check.variant, **metric, "check": check.check}
        | ({"parameters": check.parameters} if check.parameters else {})
        for check in checks
        for metric in check.metrics
    ]


def capabilities_of(checks: Iterable[Check]) -> Json:
    """Name to value; if variants disagree, each value with its variant."""
    by_value: dict[str, dict[str, Json]] = {}
    for check in checks:
        for name, fact in check.capabilities.items():
            entry = {"value": fact.get("value"), "check": check}
            by_value.setdefault(name, {}).setdefault(str(fact.get("value")), entry)
    return {name: _one_value(values) for name, values in sorted(by_value.items())}


def _one_value(values: dict[str, Json]) -> object:
    if len(values) == 1:
        return next(iter(values.values()))["value"]
    return "; ".join(
        f"{text} ({variant(entry['check'].variant) or entry['check'].check})" for text, entry in values.items()
    )
