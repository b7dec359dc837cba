"""Numbers of subjects and variants: the keys of the page's filter, short because they are on every row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reports import wording
from reports.records.run_records import RunRecords
from reports.records.to_json import Json


class FilterKeys:
    """Numbers of the subjects and variants of a run, in the order in which they occur."""

    def __init__(self, records: RunRecords) -> None:
        self.subjects = {subject.name: number for number, subject in enumerate(records.subjects)}
        self.variants: dict[str, int] = {}
        for check in records.checks:
            self.of(check.subject, check.variant)

    def of(self, subject: str, variant: Mapping[str, Any]) -> tuple[int, int]:
        """The numbers of a subject and of a variant."""
        words = wording.variant(variant) or "no weights loaded"
        number = self.subjects.setdefault(subject, len(self.subjects))
        return number, self.variants.setdefault(words, len(self.variants))

    def choices(self, suites: Iterable[str], outcomes: Mapping[str, int]) -> list[Json]:
        """The menus of the filter that have more than one choice."""
        menus = [
            {
                "name": "outcome",
                "title": "Outcome",
                "options": [(name, name) for name, number in outcomes.items() if number],
            },
            {"name": "suite", "title": "Suite", "options": [(name, name) for name in suites]},
            {"name": "subject", "title": "Model", "options": _numbered(self.subjects)},
            {"name": "variant", "title": "Variant", "options": _numbered(self.variants)},
        ]
        return [menu for menu in menus if len(menu["options"]) > 1]


def _numbered(names: Mapping[str, int]) -> list[tuple[str, str]]:
    return [(str(number), wording.clip(name, 80)) for name, number in names.items()]
