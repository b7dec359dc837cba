"""Texts to pieces of themselves: names, and answers to questions."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fixtures.inputs.sentences import SENTENCES
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.scores import as_probabilities
from suites.pipelines.contracts.text_inputs import NOT_TEXTS, too_long

CONTEXTS = (
    {"question": "Where does Anna live?", "context": "Anna lives in Paris."},
    {"question": "Who works for Siemens?", "context": SENTENCES[2]},
    {"question": "What was excellent?", "context": " ".join(SENTENCES)},
)


def texts(pipe: Pipe) -> Sequence[str]:
    return SENTENCES


def whole_words(pipe: Pipe) -> Mapping[str, Any]:
    return {"aggregation_strategy": "simple"}


def entity_problems(sample: str, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Names in the order of the text, each with its slice of the text, a label of the config and a probability."""
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
            yield f"the name at {entity['start']}:{entity['end']} lies outside of the text, or overlaps the one before"
        end = entity["end"]
        yield from _same_text(sample[entity["start"] : entity["end"]], entity["word"])


def _same_text(cut: str, word: str) -> Iterator[str]:
    """The slice says what the decoded tokens say, white space, case and accents apart."""
    first, second = (_bare(each) for each in (cut, word))
    if first != second and "##" not in word:
        yield f"the offsets cut {cut!r} out of the text, the tokens say {word!r}"


def _bare(text: str) -> str:
    letters = unicodedata.normalize("NFD", text.casefold())
    return "".join(each for each in letters if not each.isspace() and not unicodedata.combining(each))


def answer_problems(sample: Mapping[str, str], answer: Any, pipe: Pipe) -> Iterator[str]:
    """A slice of the context with a probability; an empty one stands for 'no answer'."""
    yield from as_probabilities([answer["score"]], exclusive=False)
    yield from misplaced(sample, answer)


def misplaced(sample: Mapping[str, str], answer: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the place of an answer."""
    cut = sample["context"][answer["start"] : answer["end"]]
    if cut.strip() != answer["answer"].strip():
        place = f"{answer['start']}:{answer['end']}"
        yield f"the answer {answer['answer']!r} is not what the context has at {place}, {cut!r}"


def without_question(pipe: Pipe) -> Mapping[str, Any]:
    return {"an empty context": {"question": "Who?", "context": ""}, "no context": {"question": "Who?"}}


def by_names(answer: Any) -> str:
    return ", ".join(f"{entity['entity_group']}: {entity['word']}" for entity in answer)


CONTRACTS = (
    Contract(
        tasks=("token-classification",),
        samples=texts,
        problems=entity_problems,
        options=whole_words,
        long_input=too_long,
        truncates=True,
        invalid_inputs=lambda pipe: NOT_TEXTS,
        meaning=by_names,
    ),
    Contract(
        tasks=("question-answering",),
        samples=lambda pipe: CONTEXTS,
        problems=answer_problems,
        unwraps_single_lists=True,
        invalid_inputs=without_question,
        meaning=lambda answer: str(answer["answer"]),
    ),
)
