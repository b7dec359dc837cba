from __future__ import annotations

import pytest

from fixtures.inputs.canaries import Canary
from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.registry import contract_of
from suites.pipelines.contracts.tasks.spans import span_problems

FILLER = "Nobody knows why. The streets are wet. "
WINDOW = 384
"""Tokens in a window of the pipeline, if the model does not limit it to fewer."""


@pytest.mark.tasks("question-answering")
@uses("task")
def test_long_contexts_are_read(canaries: tuple[Canary, ...], pipe: Pipe, task: str) -> None:
    """An answer that the model finds in a short text is also found at the end of a long one, at the right offsets.

    Why: long contexts are split into windows; offsets that count from the start of a window, or a window without the
    answer that scores best, give a wrong text.
    Fix: compare `start` and `end` with the context; set `model_max_length` in tokenizer_config.json.
    Source: https://github.com/huggingface/transformers/issues/5711
    """
    contract = contract_of(pipe)
    for canary in canaries:
        if not isinstance(canary.input, dict) or not {"question", "context"} <= canary.input.keys():
            continue  # reported by pipelines/canaries
        short = contract.answer(pipe, canary.input)
        if short["answer"].strip().lower() != canary.answer.strip().lower():
            continue  # not found in the short text
        context = _filler_text(pipe) + canary.input["context"]
        sample = {"question": canary.input["question"], "context": context}
        answer = contract.answer(pipe, sample)
        if problem := next(span_problems(sample, answer), None):  # transformers 4 sums the scores of windows
            raise Defect(f"question-answering: in a long context, {problem}.", evidence={"answer": brief(answer)})
        if answer["answer"].strip() != short["answer"].strip():
            raise Defect(
                f"question-answering: in a context of {len(context)} characters the answer is "
                f"{brief(answer['answer'])}, in the short text it is {short['answer']!r}.",
                evidence={"question": canary.input["question"], "long": brief(answer), "short": brief(short)},
            )


def _filler_text(pipe: Pipe) -> str:
    """Returns one and a half windows of text without an answer."""
    tokens = len(pipe.tokenizer(FILLER, add_special_tokens=False)["input_ids"])
    times: int = 3 * min(WINDOW, pipe.tokenizer.model_max_length) // (2 * tokens)
    return FILLER * times
