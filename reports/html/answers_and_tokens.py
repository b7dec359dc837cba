"""The sections of a model's answers and of token costs by language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from reports import wording
from reports.records.run_records import RunRecords
from reports.records.to_json import Json

ANSWERS = "generation.answers_with_problems"
"""The capability whose evidence holds questions and answers."""

SHOWN = 8
"""Answers of one model."""

COSTS = {"tokenizer.tokens_per_character.": "tokens per character", "tokenizer.tokens_per_word.": "tokens per word"}


def answers(records: RunRecords) -> list[Json]:
    """Questions, answers and signs of trouble, for each model and variant."""
    several = len(records.subjects) > 1
    entries = []
    for check in records.checks:
        evidence = check.capabilities.get(ANSWERS, {}).get("evidence")
        if isinstance(evidence, dict):
            listed = [_answer(question, entry) for question, entry in evidence.items() if isinstance(entry, dict)]
            parts = (check.subject if several else "", wording.variant(check.variant))
            where = " · ".join(part for part in parts if part)
            entries.append({"where": where, "answers": listed[:SHOWN], "more": max(0, len(listed) - SHOWN)})
    return [entry for entry in entries if entry["answers"]]


def _answer(question: str, entry: Json) -> Json:
    signs = entry.get("signs")
    return {
        "question": question,
        "answer": wording.clip(str(entry.get("answer") or ""), 700),
        "signs": [str(sign) for sign in signs] if isinstance(signs, list) else [],
    }


def is_cost(name: str) -> bool:
    """True for a metric of the table of languages."""
    return any(name.startswith(opening) for opening in COSTS)


def languages(subjects: Sequence[Json]) -> Json:
    """A table of languages and kinds of text by tokens per character and word; several models side by side."""
    values: dict[str, dict[tuple[str, str], float]] = {}
    for subject in subjects:
        for what, group, value in _costs(subject):
            values.setdefault(group, {})[subject["subject"]["name"], what] = value
    shown = list(COSTS.values())[: 1 if len(subjects) > 1 else None]
    columns = [(subject["subject"]["name"], what) for subject in subjects for what in shown]
    columns = [column for column in columns if any(column in row for row in values.values())]
    most = {
        what: max((v for row in values.values() for (_, w), v in row.items() if w == what), default=1.0)
        for what in COSTS.values()
    }
    rows = [(group, [_bar(row.get(column), most[column[1]]) for column in columns]) for group, row in _ordered(values)]
    return {"columns": columns, "rows": rows}


def _costs(subject: Json) -> Iterator[tuple[str, str, float]]:
    for metric in subject["metrics"]:
        for opening, what in COSTS.items():
            value = metric["value"]
            if str(metric["name"]).startswith(opening) and isinstance(value, (int, float)):
                yield what, str(metric["name"]).removeprefix(opening), value


def _ordered(values: dict[str, dict[tuple[str, str], float]]) -> list[tuple[str, Any]]:
    """The cheapest language first, the total last."""
    whole = ("everything",)
    return sorted(values.items(), key=lambda entry: (entry[0] in whole, min(entry[1].values())))


def _bar(value: float | None, most: float) -> Json:
    """A number and the length of its bar, of 100."""
    return {"value": value, "part": 0 if value is None or not most else round(100 * value / most, 1)}
