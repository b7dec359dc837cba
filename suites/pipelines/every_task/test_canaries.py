from __future__ import annotations

from typing import Any

from fixtures.inputs.canaries import Canary
from fixtures.tasks.pipe import Pipe
from suites.findings import Defect
from suites.intervals import wilson
from suites.pipelines.agreement import shown
from suites.pipelines.contract import Contract, promised_of


def test_canaries(canaries: tuple[Canary, ...], pipe: Pipe, task: str, record: Any) -> None:
    """Examples whose right answer is known get it.

    Why: swapped labels, a picture that is scaled twice or sound at the wrong rate leave every shape and every sum
    right; only the meaning is wrong.
    Fix: compare the labels with the head, and the preprocessor's settings with those of training.
    Source: https://github.com/huggingface/transformers/issues/3093
    """
    promised = promised_of(pipe)
    answers = [_said(promised, canary, pipe) for canary in canaries]
    wrong = [(canary, got) for canary, got in zip(canaries, answers, strict=True)
             if got.strip().lower() != canary.answer.strip().lower()]  # fmt: skip
    right = len(canaries) - len(wrong)
    record.metric(
        f"pipelines.{task}.canaries_right",
        right / len(canaries),
        "share",
        better="higher",
        samples=len(canaries),
        interval=wilson(right, len(canaries)),
    )
    # ours are plain, and still some model may miss one; below half it is the labels
    if wrong and (wrong[0][0].declared or 2 * right < len(canaries)):
        canary, got = wrong[0]
        raise Defect(
            f"{task}: {len(wrong)} of {len(canaries)} inputs with a known answer get another one: "
            f"{shown(canary.input)} is {got!r}, not {canary.answer!r}.",
            evidence={"wrong": [_as_json(*each) for each in wrong]},
        )


def _said(promised: Contract, canary: Canary, pipe: Pipe) -> str:
    answer = promised.answer(pipe, promised.given(canary.input, pipe))
    return promised.says(answer, canary.answer) if promised.says else promised.meaning(answer)


def _as_json(canary: Canary, got: str) -> dict[str, str]:
    return {"input": shown(canary.input), "expected": canary.answer, "answer": got}
