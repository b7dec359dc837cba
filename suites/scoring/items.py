"""Accuracy on items with known answers, measured by log-likelihood as in common benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fixtures.inputs.items import Choice, Cloze, Instruction, Items, ShortAnswer
from fixtures.models.loading import Loaded
from suites import scoring
from suites.findings import Blocked
from suites.running import generate
from suites.running.answers import Answer
from suites.running.limits import vocabulary
from suites.scoring import dequantized, instruction_rules, passages

SHOTS = (
    "Question: What is the capital of Sweden?\nAnswer: Stockholm\nQuestion: How many wheels does a bicycle have?\n"
    "Answer: 2\n"
)
"""Examples that show how short an answer must be; no item asks these questions."""


@dataclass(frozen=True)
class Mark:
    """The result of an item."""

    id: str
    subject: str
    right: bool
    chance: float
    """Probability of a correct guess."""
    answer: str = ""


@dataclass(frozen=True)
class Question:
    """An item as texts: a context and its possible continuations."""

    id: str
    subject: str
    context: str
    continuations: tuple[str, ...]
    answer: int | None
    """Index of the correct continuation; None if all are correct, provided that greedy decoding gives one of them."""


def marks(loaded: Loaded, tokenizer: Any, items: Items) -> dict[str, list[Mark]]:
    """Returns the marks of each kind of items, except instructions, computed once for a variant."""

    def find() -> dict[str, list[Mark]]:
        with dequantized.active(loaded):
            return _marks(loaded.model, tokenizer, questions(items))

    return loaded.once(f"marks {items.version}", find)


def instruction_marks(given: Sequence[Answer[Instruction]]) -> list[Mark]:
    """Returns the marks of answers to instructions."""
    return [
        Mark(
            each.asked.id,
            "instructions",
            not instruction_rules.violated(each.text, each.asked.rules),
            0.0,
            each.text,
        )
        for each in given
        if each.asked.rules
    ]


def questions(items: Items) -> dict[str, list[Question]]:
    """Returns the items of each kind as texts."""
    found = {
        "choice": [_choice(each) for each in items.choice],
        "cloze": [_cloze(each) for each in items.cloze],
        "answers": [_answer(each) for each in items.answers],
    }
    return {kind: each for kind, each in found.items() if each}


def _choice(item: Choice) -> Question:
    context = f"Question: {item.question}\nAnswer:"
    return Question(item.id, item.subject, context, tuple(f" {each}" for each in item.choices), item.answer)


def _cloze(item: Cloze) -> Question:
    return Question(item.id, item.subject, item.text, (f" {item.word}",), None)


def _answer(item: ShortAnswer) -> Question:
    context = f"{SHOTS}Question: {item.question}\nAnswer:"
    return Question(item.id, item.subject, context, tuple(f" {each}\n" for each in item.answers), None)


def _marks(model: Any, tokenizer: Any, asked: dict[str, list[Question]]) -> dict[str, list[Mark]]:
    flat = [question for kind in asked.values() for question in kind]
    requests = [pair for question in flat for pair in _pairs(model, tokenizer, question)]
    start = passages.prefix(model, tokenizer)
    with generate.refusals("A forward pass"):
        scored = iter(scoring.continuations(model, requests, prefix=start, window=passages.window(model)))
    return {
        kind: [_mark(each, [next(scored) for _ in each.continuations]) for each in found]
        for kind, found in asked.items()
    }


def _pairs(model: Any, tokenizer: Any, question: Question) -> list[tuple[list[int], list[int]]]:
    """Context and continuation ids, split as in lm-eval: after the tokens of the context alone."""
    begin = _beginning(tokenizer)
    context = _ids(model, tokenizer, question.context)
    found = []
    for text in question.continuations:
        whole = _ids(model, tokenizer, question.context + text)
        cut = min(len(context), len(whole) - 1)
        found.append((begin + whole[:cut], whole[cut:]))
    return found


def _ids(model: Any, tokenizer: Any, text: str) -> list[int]:
    ids = list(tokenizer(text, add_special_tokens=False)["input_ids"])
    if len(ids) < 2 or max(ids) >= vocabulary(model):
        raise Blocked("tokenizers/ids-have-embedding-rows", f"tokens of {text!r} have no embedding")
    return ids


def _beginning(tokenizer: Any) -> list[int]:
    """The BOS token, if the tokenizer puts it before a text."""
    bos = tokenizer.bos_token_id
    ids = list(tokenizer("a")["input_ids"])
    return [bos] if bos is not None and ids[:1] == [bos] else []


def _mark(question: Question, scored: Sequence[scoring.ContinuationScore]) -> Mark:
    if question.answer is None:
        right = any(each.greedy for each in scored)
        return Mark(question.id, question.subject, right, 0.0)
    sizes = [len(each.encode()) for each in question.continuations]
    best = max(range(len(scored)), key=lambda each: scored[each].logprob / sizes[each])
    answer = question.continuations[best].strip()
    return Mark(question.id, question.subject, best == question.answer, 1 / len(scored), answer)
