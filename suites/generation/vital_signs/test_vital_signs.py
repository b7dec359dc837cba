from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from fixtures.inputs import questions
from fixtures.inputs.questions import Question
from fixtures.models.loading import Loaded
from fixtures.session.needs import also_quantized
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.findings import Defect, Hazard, Record, Unsupported
from suites.intervals import wilson
from suites.running import answer_signs, answers, forced_tokens, generate
from suites.running.answers import Answer
from suites.running.limits import vocabulary

TEXT = "The ship came into the harbour in the morning, and two men stood on the quay and waited for the rope."
LEARNED = 0.9
"""Part of a guesser's loss below which a model has learned something of plain text."""
MOSTLY = 0.75
PLAIN = "Try a plain generate() call, and another version of transformers; report its traceback."
SIGNS = ("reached the limit", "repetition loops", "empty answers", "wrong script", "special tokens in text")


@also_quantized
def test_vital_signs(
    subject: Subject, variant: Variant, tokenizer: Any, loaded: Loaded, generator: Any, profile: str, record: Record
) -> None:
    """Greedy answers to real questions say something, in the script that was asked in, do not repeat themselves without
    end, and show no control token to the reader.

    Why: a wrong template, a lost layer or a token that is not flagged special gives fluent-looking models that no
        benchmark of single tokens tells from healthy ones, and any reader does.
    Fix: Compare the rendered prompt with the one that the model was trained on; flag control tokens as special in
        tokenizer.json; look at the examples in the report.
    Source: https://arxiv.org/abs/1904.09751 (loops of greedy search); https://huggingface.co/docs/transformers/chat_templating
    """
    given = _answers(subject, variant, tokenizer, loaded, profile)
    stops = forced_tokens.stops(generator)
    found = {answer: _signs(tokenizer, answer) for answer in given}
    _record(record, found)
    for answer in given:
        if tokens := answer_signs.leaked(tokenizer, answer.ids, stops):
            raise Defect(
                f"The reader sees the control token {tokens[0]}: it is left in the text although special tokens are "
                "skipped.", evidence={"question": answer.asked.text, "answer": answer.text, "leaked": tokens},
            )  # fmt: skip
    if subject.traits.has_chat_template:
        _refuse_extremes(generator, tokenizer, found)


def _answers(
    subject: Subject, variant: Variant, tokenizer: Any, loaded: Loaded, profile: str
) -> tuple[Answer[Question], ...]:
    """A `generate` that fails on a plain prompt is a finding here; the other checks could not run for it.

    Not where it is the quantization that refuses: that says nothing about the checkpoint.
    """
    __tracebackhide__ = True
    try:
        return answers.to_questions(subject, tokenizer, loaded, profile)
    except Unsupported as refusal:
        cause = refusal.__cause__
        if cause is None or isinstance(cause, (ImportError, NotImplementedError)) or variant.quantization != "none":
            raise
        raise Defect(f"The model writes nothing: {refusal.summary.rstrip('.:')}.", remedy=PLAIN) from refusal


def _signs(tokenizer: Any, answer: Answer[Question]) -> tuple[str, ...]:
    """Which of `SIGNS` an answer shows."""
    shown = (
        not answer.stopped,
        not answer.stopped and bool(answer_signs.loop(answer.ids)),
        not answer.text.strip(),
        answer_signs.wrong_script(answer.text, answer.asked.scripts),
        bool(answer_signs.written(tokenizer, answer.text)),
    )
    return tuple(name for name, there in zip(SIGNS, shown, strict=True) if there)


def _record(record: Record, found: dict[Answer[Question], tuple[str, ...]]) -> None:
    """Every sign as a share of the answers, with all answers as the evidence."""
    total = len(found)
    for name in SIGNS:
        count = sum(name in shown for shown in found.values())
        record.metric(f"generation.{name.replace(' ', '_')}", count / total, "share of answers", better="lower",
                      samples=total, interval=wilson(count, total), version=questions.version())  # fmt: skip
    ill = sum(bool(set(shown) - {SIGNS[0]}) for shown in found.values())
    examples = {answer.asked.text: {"answer": answer.text, "signs": list(shown)} for answer, shown in found.items()}
    record.capability("generation.answers_with_problems", f"{ill} of {total}", evidence=examples)


def _refuse_extremes(model: Any, tokenizer: Any, found: dict[Answer[Question], tuple[str, ...]]) -> None:
    """What no chat model that has learned to write does on every question."""
    __tracebackhide__ = True
    examples = {answer.asked.text: answer.text for answer in found}
    empty = all("empty answers" in shown for shown in found.values())
    endless = all(not answer.stopped and answer_signs.loop(answer.ids) >= MOSTLY * len(answer.ids) for answer in found)
    if (empty or endless) and _has_learned(model, tokenizer):
        what = "Every answer is empty" if empty else "Every answer is one endless loop"
        raise Hazard(
            f"{what}, although the model has learned to predict plain text: the prompt is not the one that it was "
            "trained on, or its stop tokens are not.",
            evidence={"answers": examples},
        )


def _has_learned(model: Any, tokenizer: Any) -> bool:
    """Whether plain text is more probable to the model than to one that guesses."""
    if model.config.is_encoder_decoder:
        return False
    ids = forced_tokens.said(model, tokenizer, TEXT, special=True)
    return _loss(model, ids) < LEARNED * math.log(vocabulary(model))


def _loss(model: Any, ids: Sequence[int]) -> float:
    """Mean surprise at each next id, in nats."""
    import torch

    row = torch.tensor([list(ids)])
    rows = generate.logits(model, {"input_ids": row, "attention_mask": torch.ones_like(row)})[0]
    return float(torch.nn.functional.cross_entropy(rows[:-1], row[0, 1:]))
