from __future__ import annotations

import pytest

from fixtures.inputs.canaries import Canary
from fixtures.pipelines.pipe import Pipe
from suites.findings import Defect
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.registry import contract_of
from suites.pipelines.contracts.tasks.spans import span_problems

FILLER = "Nobody knows why. The streets are wet. "
WINDOW = 384
"""Tokens that pipelines read at once, unless the model reads fewer."""


@pytest.mark.tasks("question-answering")
def test_long_contexts_are_read(canaries: tuple[Canary, ...], pipe: Pipe, task: str) -> None:
    """An answer that the model finds in a short text is found behind a long one too, and cut out at the right place.

    Why: long contexts are read in windows; an offset that counts from the window's start, or a window that wins though
    it has no answer, gives text that answers nothing.
    Fix: compare `start` and `end` with the context; set `model_max_length` in tokenizer_config.json.
    Source: https://github.com/huggingface/transformers/issues/5711
    """
    contract = contract_of(pipe)
    for canary in canaries:
        if not isinstance(canary.input, dict) or not {"question", "context"} <= canary.input.keys():
            continue  # pipelines/canaries tells
        short = contract.answer(pipe, canary.input)
        if short["answer"].strip().lower() != canary.answer.strip().lower():
            continue  # what is not found in the short text
        context = _filler(pipe) + canary.input["context"]
        sample = {"question": canary.input["question"], "context": context}
        answer = contract.answer(pipe, sample)
        if problem := next(span_problems(sample, answer), None):  # transformers 4 adds up the scores of windows
            raise Defect(f"question-answering: in a long context {problem}.", evidence={"answer": brief(answer)})
        if answer["answer"].strip() != short["answer"].strip():
            raise Defect(
                f"question-answering: behind {len(context)} characters the answer is {brief(answer['answer'])}, "
                f"alone it is {short['answer']!r}.",
                evidence={"question": canary.input["question"], "long": brief(answer), "short": brief(short)},
            )


def _filler(pipe: Pipe) -> str:
    """One and a half windows of text without an answer."""
    tokens = len(pipe.tokenizer(FILLER, add_special_tokens=False)["input_ids"])
    times: int = 3 * min(WINDOW, pipe.tokenizer.model_max_length) // (2 * tokens)
    return FILLER * times
