"""The first table of the page: what the model is fit for, what was tested for it, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping

from reports.records.to_json import Json
from reports.records.uses import TASK, USES
from reports.verdict.uses import OTHER, TONES, worth_showing

SHOWN = 3
"""Reasons of a use that are shown; the findings have the others."""
SCOPE = ("transformers", "tokenizers", "torch", "bitsandbytes")
"""Libraries that a verdict depends on most."""


def table(subject: Mapping[str, Json]) -> Json:
    """The rows of the uses that decide or were tested, and the names of the others.

    Uses that decide the verdict come first.
    """
    shown = worth_showing(dict(subject))
    rows = [_row(name, use) for name, use in shown.items()]
    absent = [name for name in subject["uses"] if name not in shown]
    return {"rows": sorted(rows, key=lambda row: row["role"] == OTHER), "absent": absent}


def _row(name: str, use: Json) -> Json:
    reasons = use["reasons"]
    return {
        "name": name,
        "meaning": _meaning(name),
        "role": use["role"],
        "state": use["state"],
        "tone": TONES[use["state"]],
        "tested": use["tested"],
        "planned": use["planned"],
        "reasons": reasons[:SHOWN],
        "more": len(reasons[SHOWN:]),
        "next": use.get("next") or "",
    }


def _meaning(name: str) -> str:
    return f"the pipeline task {name.removeprefix(TASK)}" if name.startswith(TASK) else USES.get(name, "")


def scope(verdict: Json) -> list[str]:
    """What the verdicts hold for: versions, device, profile, and the part of the trial that ran."""
    run = verdict["run"]
    versions = [f"{name} {run['versions'][name]}" for name in SCOPE if name in run["versions"]]
    part = [f"the part {run['selection']}"] if run.get("selection") else []
    return [*versions, run["device"], f"profile {run['profile']}", *part]
