"""Spans of a text: named entities and extractive answers."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fixtures.inputs.sentences import SENTENCES
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.scores import as_probabilities
from suites.pipelines.contracts.text_inputs import NOT_TEXTS, long_text

CONTEXTS = (
    {"question": "Where does Anna live?", "context": "Anna lives in Paris."},
    {"question": "Who works for Siemens?", "context": SENTENCES[2]},
    {"question": "What was excellent?", "context": " ".join(SENTENCES)},
)


def texts(pipe: Pipe) -> Sequence[str]:
    return SENTENCES


def merged_tokens(pipe: Pipe) -> Mapping[str, Any]:
    return {"aggregation_strategy": "simple"}


def entity_problems(sample: str, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless entities are in the order of the text, with slice, known label and probability."""
    kinds = {str(label).split("-", 1)[-1] for label in pipe.model.config.id2label.values()}
    end = 0
    for entity in answer:
        yield from as_probabilities([float(entity["score"])], exclusive=False)
        if entity["entity_group"] not in kinds:
            yield f"the label {entity['entity_group']!r} is not in the config, which has {sorted(kinds)}"
        if entity["start"] is None:
            continue  # a tokenizer without offsets
        if entity["start"] == entity["end"] and not entity["word"].strip():
            continue  # a token of white space alone, whose offsets are trimmed
        if not end <= entity["start"] < entity["end"] <= len(sample):
            yield f"the entity at {entity['start']}:{entity['end']} is outside of the text or overlaps the one before"
        end = entity["end"]
        yield from _same_text(sample[entity["start"] : entity["end"]], entity["word"])


def _same_text(cut: str, word: str) -> Iterator[str]:
    """Yields a problem if slice and decoded tokens differ in more than white space, case and accents."""
    first, second = (_letters(each) for each in (cut, word))
    if first != second and "##" not in word:
        yield f"the offsets cut {cut!r} out of the text, the tokens say {word!r}"


def _letters(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return "".join(each for each in decomposed if not each.isspace() and not unicodedata.combining(each))


def answer_problems(sample: Mapping[str, str], answer: Any, pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless the answer is a slice of the context with a probability; '' means 'no answer'."""
    yield from as_probabilities([answer["score"]], exclusive=False)
    yield from span_problems(sample, answer)


def span_problems(sample: Mapping[str, str], answer: Mapping[str, Any]) -> Iterator[str]:
    """Yields a problem if `start` and `end` do not select the answer."""
    cut = sample["context"][answer["start"] : answer["end"]]
    if cut.strip() != answer["answer"].strip():
        position = f"{answer['start']}:{answer['end']}"
        yield f"the answer {answer['answer']!r} is not what the context has at {position}, {cut!r}"


def invalid_questions(pipe: Pipe) -> Mapping[str, Any]:
    return {"an empty context": {"question": "Who?", "context": ""}, "no context": {"question": "Who?"}}


def entities_as_text(answer: Any) -> str:
    return ", ".join(f"{entity['entity_group']}: {entity['word']}" for entity in answer)


CONTRACTS = (
    Contract(
        tasks=("token-classification",),
        samples=texts,
        problems=entity_problems,
        options=merged_tokens,
        long_input=long_text,
        truncates=True,
        invalid_inputs=lambda pipe: NOT_TEXTS,
        meaning=entities_as_text,
    ),
    Contract(
        tasks=("question-answering",),
        samples=lambda pipe: CONTEXTS,
        problems=answer_problems,
        unwraps_single_lists=True,
        invalid_inputs=invalid_questions,
        meaning=lambda answer: str(answer["answer"]),
    ),
)
