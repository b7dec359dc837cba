from __future__ import annotations

import hashlib
from typing import Any

from fixtures.inputs.questions import Question
from fixtures.models.loading import Loaded
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import NotApplicable, Record, Unsupported
from suites.generation.reference_runs import ReferenceRuns, reference_runs
from suites.running import answers, generate, prompts
from suites.running.answers import Answer

NAME = "Greedy answers"
QUESTION_COUNT = 4
"""Questions, from the first on; each takes one more forward pass to find near-ties."""


@uses("generation", worst="nothing")
def test_answers_kept(
    subject: Subject, tokenizer: Any, loaded: Loaded, generator: Any, profile: str, record: Record
) -> None:
    """Records greedy answers to fixed questions, so that a comparison with a baseline shows which answers changed.

    Why: an upgrade of the library or of a kernel can change a model's answers without an error. Differences at
        near-ties, which rounding explains, are distinguished from others.
    Fix: Nothing is wrong; save a baseline with --save-baseline, and compare with --baseline after an upgrade.
    Source: https://huggingface.co/docs/transformers/generation_strategies (greedy search)
    """
    given = answers.to_questions(subject, tokenizer, loaded, profile)[:QUESTION_COUNT]
    reference = reference_runs(subject, tokenizer, loaded)
    tolerance = _tolerance(reference)
    observations = {
        f"{answer.asked.language}: {_prompt_text(subject, answer.asked)}": {
            "text": answer.text,
            "ids": list(answer.ids),
            "close": _near_ties(reference, answer, 2 * tolerance) if tolerance is not None else [],
        }
        for answer in given
    }
    version = hashlib.sha256(f"{profile} {list(observations)}".encode()).hexdigest()[:12]
    record.observations(NAME, observations, kind="answers", version=version)


def _prompt_text(subject: Subject, question: Question) -> str:
    return question.text if subject.traits.has_chat_template else question.opening


def _tolerance(reference: ReferenceRuns) -> float | None:
    """The change of a logit that rounding explains; None if one pass does not give the logits of its beginnings."""
    try:
        return reference.tolerance
    except (NotApplicable, Unsupported):
        return None


def _near_ties(reference: ReferenceRuns, answer: Answer[Question], tolerance: float) -> list[int]:
    """Positions of new tokens at which the two best logits differ by at most `tolerance`."""
    from suites.running.agreement import Run

    prompt = prompts.encoded(reference.subject, reference.tokenizer, _prompt_text(reference.subject, answer.asked))
    prompt = {name: row[:, prompt["input_ids"][0] < reference.rows] for name, row in prompt.items()}
    logits = generate.logits(reference.model, reference.extended(prompt, Run(list(answer.ids), None)))[0]
    best = logits[-len(answer.ids) :].topk(2, dim=-1).values
    return [int(position) for position in ((best[:, 0] - best[:, 1]) <= tolerance).nonzero().flatten()]
