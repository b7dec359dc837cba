from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from fixtures.inputs import questions
from fixtures.inputs.questions import Question
from fixtures.machine import library_versions
from fixtures.models.loading import Loaded
from fixtures.session.needs import also_quantized
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.findings import Defect, Hazard, Record, Refused
from suites.intervals import wilson
from suites.running import answer_signs, answers, forced_tokens, generate
from suites.running.answers import Answer
from suites.running.limits import vocabulary

TEXT = "The ship came into the harbour in the morning, and two men stood on the quay and waited for the rope."
LEARNED = 0.9
"""Share of the loss of a uniform guess; a model with less has learned something about plain text."""
MOST_OF_ANSWER = 0.75
FIX = "Correct what the error names, or use a version of transformers that does not raise it."
SIGNS = ("reached the limit", "repetition loops", "empty answers", "wrong script", "special tokens in text")


@also_quantized
@uses("generation", "chat")
def test_vital_signs(
    subject: Subject, variant: Variant, tokenizer: Any, loaded: Loaded, generator: Any, profile: str, record: Record
) -> None:
    """Greedy answers to real questions are not empty, endless loops or in another script, and show no control token.

    Why: benchmarks of single tokens do not notice a wrong template, a lost layer or a control token that is not marked
        as special; every reader of the answers does.
    Fix: Compare the rendered prompt with the one used in training; mark control tokens as special in tokenizer.json;
        look at the examples in the report.
    Source: https://arxiv.org/abs/1904.09751 (loops of greedy search); https://huggingface.co/docs/transformers/chat_templating
    """
    given = _answers(subject, variant, tokenizer, loaded, profile)
    stops = forced_tokens.stops(generator)
    found = {answer: _signs(tokenizer, answer) for answer in given}
    _record(record, found)
    for answer in given:
        if tokens := answer_signs.leaked(tokenizer, answer.ids, stops):
            raise Defect(
                f"Answers show the control token {tokens[0]} to the reader: it is not marked as special, so decoding "
                "with skip_special_tokens=True leaves it in the text.",
                evidence={"question": answer.asked.text, "answer": answer.text, "leaked": tokens},
                uses=("chat",) if subject.traits.has_chat_template else ("generation",),
            )
    if subject.traits.has_chat_template:
        _refuse_extremes(generator, tokenizer, found)


def _answers(
    subject: Subject, variant: Variant, tokenizer: Any, loaded: Loaded, profile: str
) -> tuple[Answer[Question], ...]:
    """Raises Defect if `generate` fails on a plain prompt; other checks then are refused the same call.
    A failure of a quantized variant is not a defect of the checkpoint.
    """
    __tracebackhide__ = True
    try:
        return answers.to_questions(subject, tokenizer, loaded, profile)
    except Refused as refusal:
        cause = refusal.__cause__
        if isinstance(cause, (ImportError, NotImplementedError)) or variant.quantization != "none":
            raise
        version = library_versions.version()
        summary = f"The model cannot generate: {refusal.summary.rstrip('.:')} (transformers {version})."
        raise Defect(summary, fix=FIX) from refusal


def _signs(tokenizer: Any, answer: Answer[Question]) -> tuple[str, ...]:
    """Returns those of `SIGNS` that an answer shows."""
    shown = (
        not answer.stopped,
        not answer.stopped and bool(answer_signs.loop(answer.ids)),
        not answer.text.strip(),
        answer_signs.wrong_script(answer.text, answer.asked.scripts),
        bool(answer_signs.spelled_out(tokenizer, answer.text)),
    )
    return tuple(name for name, there in zip(SIGNS, shown, strict=True) if there)


def _record(record: Record, found: dict[Answer[Question], tuple[str, ...]]) -> None:
    """Records every sign as a share of the answers, with all answers as evidence."""
    total = len(found)
    for name in SIGNS:
        count = sum(name in shown for shown in found.values())
        record.metric(
            f"generation.{name.replace(' ', '_')}",
            count / total,
            "share of answers",
            better="lower",
            samples=total,
            interval=wilson(count, total),
            version=questions.version(),
        )
    ill = sum(bool(set(shown) - {SIGNS[0]}) for shown in found.values())
    examples = {answer.asked.text: {"answer": answer.text, "signs": list(shown)} for answer, shown in found.items()}
    record.capability("generation.answers_with_problems", f"{ill} of {total}", evidence=examples)


def _refuse_extremes(model: Any, tokenizer: Any, found: dict[Answer[Question], tuple[str, ...]]) -> None:
    """Raises Hazard if every answer of a trained chat model is empty or an endless loop."""
    __tracebackhide__ = True
    examples = {answer.asked.text: answer.text for answer in found}
    empty = all("empty answers" in shown for shown in found.values())
    endless = all(
        not answer.stopped and answer_signs.loop(answer.ids) >= MOST_OF_ANSWER * len(answer.ids) for answer in found
    )
    if (empty or endless) and _has_learned(model, tokenizer):
        what = "Every answer is empty" if empty else "Every answer is an endless loop"
        raise Hazard(
            f"{what}, although the model predicts plain text well: prompt format or stop tokens differ from those in "
            "training.",
            evidence={"answers": examples},
            uses=("chat",),
        )


def _has_learned(model: Any, tokenizer: Any) -> bool:
    """True if plain text is more probable to the model than to a uniform guess."""
    if model.config.is_encoder_decoder:
        return False
    ids = forced_tokens.text_ids(model, tokenizer, TEXT, special=True)
    return _loss(model, ids) < LEARNED * math.log(vocabulary(model))


def _loss(model: Any, ids: Sequence[int]) -> float:
    """Mean loss of each next id, in nats."""
    import torch

    row = torch.tensor([list(ids)])
    rows = generate.logits(model, {"input_ids": row, "attention_mask": torch.ones_like(row)})[0]
    return float(torch.nn.functional.cross_entropy(rows[:-1], row[0, 1:]))
