"""Subjects, variants and suites by number: what the page's filter goes by, in few letters on each row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reports import wording
from reports.records.schema import Json, Trial


class Places:
    """Numbers of the subjects and variants of a trial, in the order in which they are met."""

    def __init__(self, trial: Trial) -> None:
        self.subjects = {subject.name: number for number, subject in enumerate(trial.subjects)}
        self.variants: dict[str, int] = {}
        self._known: dict[int, str] = {}
        for check in trial.checks:
            self.keys(check.subject, check.variant)

    def keys(self, subject: str, variant: Mapping[str, Any]) -> tuple[int, int]:
        """The numbers of a subject and of a variant."""
        told = wording.variant(variant) or "no weights loaded"
        return self.subjects.setdefault(subject, len(self.subjects)), self.variants.setdefault(told, len(self.variants))

    def choices(self, suites: Iterable[str], outcomes: Mapping[str, int]) -> list[Json]:
        """The menus of the filter: what there is to choose between, where there is a choice."""
        menus = [
            {
                "name": "outcome",
                "title": "Outcome",
                "options": [(name, name) for name, many in outcomes.items() if many],
            },
            {"name": "suite", "title": "Suite", "options": [(name, name) for name in suites]},
            {"name": "subject", "title": "Model", "options": _numbered(self.subjects)},
            {"name": "variant", "title": "Variant", "options": _numbered(self.variants)},
        ]
        return [menu for menu in menus if len(menu["options"]) > 1]


def _numbered(names: Mapping[str, int]) -> list[tuple[str, str]]:
    return [(str(number), wording.clip(name, 80)) for name, number in names.items()]
