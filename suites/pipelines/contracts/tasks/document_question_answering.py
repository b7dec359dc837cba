"""Questions about documents. The input holds the words of the page, so that no OCR is needed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from fixtures.inputs import document_forms
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.scores import as_probabilities, descending

COUNT = 3


def samples(pipe: Pipe) -> list[Any]:
    choose = random.Random(0)
    filled = [document_forms.form(choose) for _ in range(COUNT)]
    return [request(each, document_forms.question(key)) for each, key in zip(filled, document_forms.KEYS, strict=False)]


def request(filled: document_forms.Form, question: str) -> dict[str, Any]:
    return {"image": filled.picture(), "question": question, "word_boxes": filled.words}


def canary_input(value: Any, pipe: Pipe) -> Any:
    """Converts `{"form": lines, "question": ...}` into a page with its words; keeps other values as they are."""
    if isinstance(value, Mapping) and "form" in value:
        return request(document_forms.Form(value["form"]), value["question"])
    return value


def problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless answers are words of the document with sorted probabilities, or text from Donut."""
    if pipe.model.can_generate():
        return
    scores = [float(entry["score"]) for entry in answer]
    yield from descending(scores)
    yield from as_probabilities(scores, exclusive=False)
    words = [word for word, _ in sample["word_boxes"]]
    for entry in answer:
        yield from span_problems(words, entry)


def span_problems(words: list[str], entry: Mapping[str, Any]) -> Iterator[str]:
    """Yields a problem if `start` and `end` do not select the words of the answer."""
    start, end = entry["start"], entry["end"]
    if not 0 <= start <= end < len(words):
        yield f"the answer is at words {start}:{end}, the document has {len(words)} words"
    elif " ".join(words[start : end + 1]) != entry["answer"]:
        found = " ".join(words[start : end + 1])
        yield f"the answer {entry['answer']!r} is not what the document has at {start}:{end}, {found!r}"


def incomplete(pipe: Pipe) -> dict[str, Any]:
    whole = samples(pipe)[0]
    return {
        "a number": 3,
        "no question": {name: whole[name] for name in ("image", "word_boxes")},
        "neither image nor words": {"question": whole["question"]},
    }


CONTRACTS = (
    Contract(
        tasks=("document-question-answering",),
        samples=samples,
        problems=problems,
        canary_input=canary_input,
        invalid_inputs=incomplete,
        meaning=lambda answer: str(answer[0]["answer"]),
    ),
)
