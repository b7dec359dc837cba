"""Questions about forms to words of them; the words come with the input, so that no text recognition is needed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from fixtures.inputs import forms
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.scores import as_probabilities, sorted_down

COUNT = 3


def samples(pipe: Pipe) -> list[Any]:
    choose = random.Random(0)
    filled = [forms.form(choose) for _ in range(COUNT)]
    return [asked(each, forms.question(key)) for each, key in zip(filled, forms.KEYS, strict=False)]


def asked(filled: forms.Form, question: str) -> dict[str, Any]:
    return {"image": filled.picture(), "question": question, "word_boxes": filled.words}


def given(known: Any, pipe: Pipe) -> Any:
    """`{"form": lines, "question": ...}` as a page with its words; anything else as it is."""
    if isinstance(known, Mapping) and "form" in known:
        return asked(forms.Form(known["form"]), known["question"])
    return known


def problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Words of the document from `start` to `end`, with a probability, the best first; or a text of Donut's."""
    if pipe.model.can_generate():
        return
    scores = [float(entry["score"]) for entry in answer]
    yield from sorted_down(scores)
    yield from as_probabilities(scores, exclusive=False)
    words = [word for word, _ in sample["word_boxes"]]
    for entry in answer:
        yield from misplaced(words, entry)


def misplaced(words: list[str], entry: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the place of an answer."""
    start, end = entry["start"], entry["end"]
    if not 0 <= start <= end < len(words):
        yield f"the answer lies at {start}:{end}, the document has {len(words)} words"
    elif " ".join(words[start : end + 1]) != entry["answer"]:
        found = " ".join(words[start : end + 1])
        yield f"the answer {entry['answer']!r} is not what the document has at {start}:{end}, {found!r}"


def incomplete(pipe: Pipe) -> dict[str, Any]:
    whole = samples(pipe)[0]
    return {
        "a number": 3,
        "no question": {name: whole[name] for name in ("image", "word_boxes")},
        "neither picture nor words": {"question": whole["question"]},
    }


CONTRACTS = (
    Contract(
        tasks=("document-question-answering",),
        samples=samples,
        problems=problems,
        canary_input=given,
        invalid_inputs=incomplete,
        meaning=lambda answer: str(answer[0]["answer"]),
    ),
)
