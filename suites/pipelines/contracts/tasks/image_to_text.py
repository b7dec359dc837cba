"""Captions of images, and answers to questions about images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fixtures.inputs import images
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.image_inputs import image_forms, invalid_images
from suites.pipelines.contracts.scores import as_probabilities, descending
from suites.pipelines.contracts.text_inputs import leaked_special_tokens

NEW_TOKENS = 8
QUESTIONS = ("What is it?", "Which colour is it?", "What is in the middle of the picture?")


def caption_problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless the answer is one text without special tokens."""
    if len(answer) != 1 or not isinstance(answer[0].get("generated_text"), str):
        yield f"the answer has {len(answer)} texts, not one"
        return
    yield from leaked_special_tokens(pipe, answer[0]["generated_text"])


def questions(pipe: Pipe) -> list[Any]:
    return [{"image": each, "question": text} for each, text in zip(images.pictures(), QUESTIONS, strict=True)]


def answer_problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless known labels have sorted scores, or the answer of a generating model is a text."""
    if not answer or not all(isinstance(entry.get("answer"), str) for entry in answer):
        yield f"the answer has no text: {answer!r}"
    elif pipe.model.can_generate():
        yield from leaked_special_tokens(pipe, answer[0]["answer"])
    else:
        scores = [entry["score"] for entry in answer]
        yield from descending(scores)
        yield from as_probabilities(scores, exclusive=False)
        unknown = [entry["answer"] for entry in answer if entry["answer"] not in pipe.model.config.label2id]
        if unknown:
            yield f"the answer {unknown[0]!r} is not a label of the config"


def invalid_questions(pipe: Pipe) -> Mapping[str, Any]:
    picture = images.picture(images.KINDS[0])
    return {
        "a number": 3,
        "an image without a question": {"image": picture},
        "a question without an image": {"question": QUESTIONS[0]},
        "an image that does not exist": {"image": "no-such-image.png", "question": QUESTIONS[0]},
    }


CONTRACTS = (
    Contract(
        tasks=("image-to-text",),
        samples=lambda pipe: images.pictures(),
        problems=caption_problems,
        options=lambda pipe: {"max_new_tokens": NEW_TOKENS},
        other_forms=image_forms,
        invalid_inputs=invalid_images,
        meaning=lambda answer: str(answer[0]["generated_text"]),
    ),
    Contract(
        tasks=("visual-question-answering",),
        samples=questions,
        problems=answer_problems,
        options=lambda pipe: {} if pipe.model.can_generate() else {"top_k": pipe.model.config.num_labels},
        invalid_inputs=invalid_questions,
        meaning=lambda answer: str(answer[0]["answer"]),
    ),
)
