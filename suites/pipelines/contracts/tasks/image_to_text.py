"""Pictures to text, and questions about pictures to answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fixtures.inputs import images
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.scores import as_probabilities, sorted_down
from suites.pipelines.contracts.tasks.image_classification import no_pictures, other_forms
from suites.pipelines.contracts.text_inputs import leaked

NEW_TOKENS = 8
QUESTIONS = ("What is it?", "Which colour is it?", "What is in the middle of the picture?")


def caption_problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """One text without special tokens."""
    if len(answer) != 1 or not isinstance(answer[0].get("generated_text"), str):
        yield f"one text was asked for, the answer has {len(answer)}"
        return
    yield from leaked(pipe, answer[0]["generated_text"])


def questions(pipe: Pipe) -> list[Any]:
    return [{"image": each, "question": text} for each, text in zip(images.pictures(), QUESTIONS, strict=True)]


def answer_problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Labels of the config with scores, the best first; or one text of a model that writes."""
    if not answer or not all(isinstance(entry.get("answer"), str) for entry in answer):
        yield f"the answer has no text: {answer!r}"
    elif pipe.model.can_generate():
        yield from leaked(pipe, answer[0]["answer"])
    else:
        scores = [entry["score"] for entry in answer]
        yield from sorted_down(scores)
        yield from as_probabilities(scores, exclusive=False)
        unknown = [entry["answer"] for entry in answer if entry["answer"] not in pipe.model.config.label2id]
        if unknown:
            yield f"the answer {unknown[0]!r} is no label of the config"


def no_questions(pipe: Pipe) -> Mapping[str, Any]:
    picture = images.drawn(images.KINDS[0])
    return {
        "a number": 3,
        "a picture without a question": {"image": picture},
        "a question without a picture": {"question": QUESTIONS[0]},
        "a picture that does not exist": {"image": "no-such-picture.png", "question": QUESTIONS[0]},
    }


CONTRACTS = (
    Contract(
        tasks=("image-to-text",),
        samples=lambda pipe: images.pictures(),
        problems=caption_problems,
        options=lambda pipe: {"max_new_tokens": NEW_TOKENS},
        other_forms=other_forms,
        invalid_inputs=no_pictures,
        meaning=lambda answer: str(answer[0]["generated_text"]),
        generates_text=True,
    ),
    Contract(
        tasks=("visual-question-answering",),
        samples=questions,
        problems=answer_problems,
        options=lambda pipe: {} if pipe.model.can_generate() else {"top_k": pipe.model.config.num_labels},
        invalid_inputs=no_questions,
        meaning=lambda answer: str(answer[0]["answer"]),
    ),
)
