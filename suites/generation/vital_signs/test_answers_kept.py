from __future__ import annotations

import hashlib
from typing import Any

from fixtures.inputs.questions import Question
from fixtures.models.loading import Loaded
from fixtures.subjects.subject import Subject
from suites.findings import Record, Unsupported
from suites.generation.reference_runs import ReferenceRuns, reference_runs
from suites.running import answers, generate, prompts
from suites.running.answers import Answer

NAME = "Greedy answers"
FEW = 4
"""The first questions: each takes one more pass, to see where two tokens are equal within rounding."""


def test_answers_kept(
    subject: Subject, tokenizer: Any, loaded: Loaded, generator: Any, profile: str, record: Record
) -> None:
    """Greedy answers to fixed questions are recorded, so that a run against a baseline shows which of them changed.

    Why: an upgrade of the library or of a kernel can change what a model says and raises nothing. A text that parts
        where two tokens were equal within rounding is told apart from one that has another cause.
    Fix: Nothing is wrong; keep a baseline with --save-baseline and compare with --baseline after an upgrade.
    Source: https://huggingface.co/docs/transformers/generation_strategies (greedy search)
    """
    given = answers.to_questions(subject, tokenizer, loaded, profile)[:FEW]
    shared = reference_runs(subject, tokenizer, loaded)
    close = _tolerance(shared)
    kept = {
        f"{answer.asked.language}: {_asked(subject, answer.asked)}": {
            "text": answer.text, "ids": list(answer.ids),
            "close": _close(shared, answer, 2 * close) if close is not None else [],
        }
        for answer in given
    }  # fmt: skip
    version = hashlib.sha256(f"{profile} {list(kept)}".encode()).hexdigest()[:12]
    record.observations(NAME, kept, kind="answers", version=version)


def _asked(subject: Subject, question: Question) -> str:
    return question.text if subject.traits.has_chat_template else question.opening


def _tolerance(shared: ReferenceRuns) -> float | None:
    """What rounding moves a logit by; None where one pass does not give the logits of its parts."""
    try:
        return shared.tolerance
    except Unsupported:
        return None


def _close(shared: ReferenceRuns, answer: Answer[Question], tolerance: float) -> list[int]:
    """Positions of new tokens at which the second best logit is this near to the best one."""
    from suites.running.agreement import Run

    prompt = prompts.encoded(shared.subject, shared.tokenizer, _asked(shared.subject, answer.asked))
    prompt = {name: row[:, prompt["input_ids"][0] < shared.rows] for name, row in prompt.items()}
    logits = generate.logits(shared.model, shared.extended(prompt, Run(list(answer.ids), None)))[0]
    best = logits[-len(answer.ids) :].topk(2, dim=-1).values
    return [int(place) for place in ((best[:, 0] - best[:, 1]) <= tolerance).nonzero().flatten()]
