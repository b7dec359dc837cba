from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from fixtures.inputs.items import Items
from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Record, Unsupported
from suites.intervals import binomial_tail, wilson
from suites.running import answers
from suites.scoring import items as scored_items
from suites.scoring.items import Mark

MAX_PROBABILITY = 5e-4
"""Probability below which so few correct answers are not bad luck: one false alarm in 2000 models that guess."""
KNOWN_SHARE = 0.8
MIN_ITEMS = 5
"""Items of a subject needed to record whether the model knows it."""
SHOWN_WRONG = 40


@needs("continues_text")
@uses("generation")
def test_answers_questions(
    subject: Subject, loaded: Loaded, tokenizer: Any, items: Items, profile: str, record: Record
) -> None:
    """The model answers simple multiple-choice questions no worse than by guessing.

    Why: a model that is correct less often than chance knows the answers, and something inverts them: a sign, an order
        of tokens, a template. The recorded accuracies show what the model knows.
    Fix: compare the logits of one question with those of another load of the same weights (float32, another attention
        implementation, another version of transformers).
    Source: https://arxiv.org/abs/2005.14165 (section 2.4: multiple choice by the likelihood of each completion);
        https://arxiv.org/abs/2311.07911 (instructions that a program verifies)
    """
    found = dict(scored_items.marks(loaded, tokenizer, items))
    if subject.traits.has_chat_template and items.instructions:
        _add_instructions(found, subject, loaded, tokenizer, items, profile, record)
    for kind, marks in found.items():
        _record(record, kind, marks, items.version)
    _record_knowledge(record, [mark for marks in found.values() for mark in marks])
    if "choice" in found:
        refuse_worse_than_chance(found["choice"])


def _add_instructions(
    found: dict[str, list[Mark]],
    subject: Subject,
    loaded: Loaded,
    tokenizer: Any,
    items: Items,
    profile: str,
    record: Record,
) -> None:
    """Adds marks of answers to instructions, unless generation fails (reported by generation/vital-signs)."""
    try:
        given = answers.to_instructions(subject, tokenizer, loaded, items, profile)
    except Unsupported as refusal:
        record.capability("quality.instructions", "not measured", evidence={"reason": refusal.summary})
        return
    ruled = [each for each in given if each.asked.rules]
    found["instructions"] = marks = scored_items.instruction_marks(ruled)
    evidence = {
        each.asked.prompt: {"answer": each.text, "kept": mark.right} for each, mark in zip(ruled, marks, strict=True)
    }
    followed = sum(mark.right for mark in marks)
    record.capability("quality.instructions", f"{followed} of {len(evidence)} followed", evidence=evidence)


def _record(record: Record, kind: str, marks: Sequence[Mark], version: str) -> None:
    right = sum(mark.right for mark in marks)
    record.metric(
        f"quality.accuracy.{kind}",
        right / len(marks),
        "share",
        better="higher",
        samples=len(marks),
        interval=wilson(right, len(marks)),
        version=version,
    )


def _record_knowledge(record: Record, marks: Sequence[Mark]) -> None:
    """Records for each subject with enough items whether the model knows it; a manifest can require it."""
    for subject, count in sorted(Counter(mark.subject for mark in marks).items()):
        own = [mark for mark in marks if mark.subject == subject]
        if count < MIN_ITEMS or subject == "instructions":
            continue
        right = sum(mark.right for mark in own)
        wrong = [f"{mark.id}: {mark.answer}".rstrip(": ") for mark in own if not mark.right][:SHOWN_WRONG]
        value = "yes" if right >= KNOWN_SHARE * count else "no" if right <= _guessed(own) else "partly"
        record.capability(f"quality.knows_{subject}", value, evidence={"right": f"{right} of {count}", "wrong": wrong})


def _guessed(marks: Sequence[Mark]) -> float:
    """The number of correct answers that guessing gives, with some luck."""
    return max(1.0, sum(mark.chance for mark in marks) * 1.2)


def refuse_worse_than_chance(marks: Sequence[Mark]) -> None:
    __tracebackhide__ = True
    right, chance = sum(mark.right for mark in marks), min(mark.chance for mark in marks)
    if binomial_tail(right, len(marks), chance) < MAX_PROBABILITY:
        raise Defect(
            f"The model answers {right} of {len(marks)} questions with {round(1 / chance)} choices correctly; guessing "
            f"would give about {round(chance * len(marks))}, so its answers seem to be inverted.",
            evidence={"wrong": {mark.id: mark.answer for mark in marks if not mark.right}},
        )
