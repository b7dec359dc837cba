"""Decisions: a message and questions of three types to probabilities (`decision`, since transformers 5.23).

Source: https://huggingface.co/docs/transformers/main_classes/pipelines
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.scores import SLACK, as_probabilities

QUESTIONS: dict[str, dict[str, Any]] = {
    "refund": {"type": "noul", "instructions": "Is a refund asked for?"},
    "about": {"type": "choice", "instructions": "What is it about?", "criteria": {"money": None, "travel": None}},
    "urgent": {"type": "score", "instructions": "How urgent is it?", "criteria": ["can wait", "this week", "today"]},
}
STATES = (
    "Give me my money back.",
    {"message": "The train was late.", "from": "Anna"},
    "There is no hurry. It is the bill, and I was charged twice for the same night in March.",
)


def samples(pipe: Pipe) -> list[Any]:
    return [{"state": state, "questions": dict(QUESTIONS)} for state in STATES]


def problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless each question has an answer of its type with valid probabilities."""
    asked = sample["questions"]
    if set(answer) != set(asked):
        yield f"the questions are {sorted(asked)}, the answers are for {sorted(answer)}"
        return
    for name, question in asked.items():
        given = answer[name]
        if given.get("type") != question["type"]:
            yield f"the question {name!r} is of type {question['type']}, its answer of type {given.get('type')}"
        else:
            yield from TYPES[question["type"]](question, given)


def _of_noul(question: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[str]:
    yield from as_probabilities([given["noul"]], exclusive=False)


def _of_choice(question: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[str]:
    scores = given["probabilities"]
    yield from as_probabilities([*scores.values()], exclusive=True)
    yield from as_probabilities([given["confidence"]], exclusive=False)
    if set(scores) != set(question["criteria"]):
        yield f"the answer has the options {sorted(scores)}, the question {sorted(question['criteria'])}"
    elif scores[given["choice"]] < max(scores.values()) - SLACK:
        yield f"{given['choice']!r} is chosen but is not the most probable option: {scores}"


def _of_score(question: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[str]:
    scores = [*given["probabilities"].values()]
    yield from as_probabilities(scores, exclusive=True)
    mean = math.fsum(level * score for level, score in enumerate(scores))
    if abs(mean - given["score"]) > SLACK * len(scores):
        yield f"the score is {given['score']:.4f}, the mean of its levels is {mean:.4f}"
    if not 0 <= given["score"] <= len(question["criteria"]) - 1 + SLACK:
        yield f"the score {given['score']:.4f} is outside of {len(question['criteria'])} levels"


TYPES = {"noul": _of_noul, "choice": _of_choice, "score": _of_score}


def invalid_requests(pipe: Pipe) -> dict[str, Any]:
    good = samples(pipe)[0]
    return {
        "a number": 3,
        "no questions": {"state": good["state"], "questions": {}},
        "no state": {"questions": good["questions"]},
        "a question without a type": {"state": "", "questions": {"one": {"instructions": "Is it?"}}},
        "text that is not JSON": "Is it urgent?",
    }


def first_decision(answer: Mapping[str, Any]) -> str:
    """Returns the answer to the first question."""
    first = next(iter(answer.values()))
    if first["type"] == "noul":
        return "true" if first["noul"] > 0.5 else "false"
    return str(first["choice"]) if first["type"] == "choice" else str(round(first["score"]))


def as_json(sample: Any) -> Mapping[str, Any]:
    import json

    return {"JSON": json.dumps(sample)}


CONTRACTS = (
    Contract(
        tasks=("decision",),
        samples=samples,
        problems=problems,
        can_batch=lambda pipe: False,
        other_forms=as_json,
        invalid_inputs=invalid_requests,
        meaning=first_decision,
    ),
)
