"""What a model said, and what its tokenizer makes of languages: numbers and texts that a reader wants to see first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from reports import wording
from reports.records.schema import Json, Trial

ANSWERS = "generation.answers_with_problems"
"""The capability whose evidence holds the questions and answers."""

SHOWN = 8
"""Answers of one model."""

COSTS = {"tokenizer.tokens_per_character.": "tokens per character", "tokenizer.tokens_per_word.": "tokens per word"}


def answers(trial: Trial) -> list[Json]:
    """Questions with what each model and variant said, and the signs of trouble in it."""
    found = []
    for check in trial.checks:
        told = check.capabilities.get(ANSWERS, {}).get("evidence")
        if isinstance(told, dict):
            given = [_answer(question, said) for question, said in told.items() if isinstance(said, dict)]
            place = (check.subject if len(trial.subjects) > 1 else "", wording.variant(check.variant))
            where = " · ".join(part for part in place if part)
            found.append({"where": where, "answers": given[:SHOWN], "more": max(0, len(given) - SHOWN)})
    return [entry for entry in found if entry["answers"]]


def _answer(question: str, said: Json) -> Json:
    signs = said.get("signs")
    return {
        "question": question,
        "answer": wording.clip(str(said.get("answer") or ""), 700),
        "signs": [str(sign) for sign in signs] if isinstance(signs, list) else [],
    }


def is_cost(name: str) -> bool:
    """Whether a metric is shown in the table of languages."""
    return any(name.startswith(opening) for opening in COSTS)


def languages(cases: Sequence[Json]) -> Json:
    """Rows of languages and kinds of text, columns of tokens per character and word; several models side by side."""
    values: dict[str, dict[tuple[str, str], float]] = {}
    for case in cases:
        for what, group, value in _costs(case):
            values.setdefault(group, {})[case["subject"]["name"], what] = value
    shown = list(COSTS.values())[: 1 if len(cases) > 1 else None]
    columns = [(case["subject"]["name"], what) for case in cases for what in shown]
    columns = [column for column in columns if any(column in row for row in values.values())]
    most = {
        what: max((v for row in values.values() for (_, w), v in row.items() if w == what), default=1.0)
        for what in COSTS.values()
    }
    rows = [(group, [_bar(row.get(column), most[column[1]]) for column in columns]) for group, row in _ordered(values)]
    return {"columns": columns, "rows": rows}


def _costs(case: Json) -> Iterator[tuple[str, str, float]]:
    for metric in case["metrics"]:
        for opening, what in COSTS.items():
            value = metric["value"]
            if str(metric["name"]).startswith(opening) and isinstance(value, (int, float)):
                yield what, str(metric["name"]).removeprefix(opening), value


def _ordered(values: dict[str, dict[tuple[str, str], float]]) -> list[tuple[str, Any]]:
    """The cheapest first, by the first column; everything together last."""
    whole = ("everything",)
    return sorted(values.items(), key=lambda entry: (entry[0] in whole, min(entry[1].values())))


def _bar(value: float | None, most: float) -> Json:
    """A number and how long its bar is, of 100."""
    return {"value": value, "part": 0 if value is None or not most else round(100 * value / most, 1)}
