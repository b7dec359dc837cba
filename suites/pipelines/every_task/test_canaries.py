from __future__ import annotations

from typing import Any

from fixtures.inputs.canaries import Canary
from fixtures.pipelines.pipe import Pipe
from suites.findings import Defect, Record, Unsupported
from suites.intervals import wilson
from suites.pipelines.contracts import fixes
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.registry import contract_of

SHORT = 100
"""Characters of a text that a sentence can hold."""


def test_canaries(canaries: tuple[Canary, ...], pipe: Pipe, task: str, record: Record) -> None:
    """Examples whose right answer is known get it.

    Why: swapped labels, a picture that is scaled twice or sound at the wrong rate leave every shape and every sum
    right; only the meaning is wrong.
    Fix: compare the labels with the head, and the preprocessor's settings with those of training.
    Source: https://github.com/huggingface/transformers/issues/3093
    """
    contract = contract_of(pipe)
    answers = [
        _said(contract, canary, pipe, f"{number} of {len(canaries)}") for number, canary in enumerate(canaries, 1)
    ]
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
        which = _told(canary.input, f"input {1 + canaries.index(canary)} of {len(canaries)}")
        raise Defect(
            f"{task}: {len(wrong)} of {len(canaries)} inputs with a known answer get another one: "
            f"expected was {canary.answer!r}, the answer is {got!r}, for {which}.",
            evidence={"wrong": [_as_json(*each) for each in wrong]},
            remedy=fixes.of_wrong_answer(task),
        )


def _told(given: Any, otherwise: str) -> str:
    """A short text as it is; of all else which one it is, since nobody can read it."""
    plain = isinstance(given, str) and len(given) <= SHORT and not given.startswith(("data:", "http:", "https:"))
    return repr(given) if plain else otherwise


def _said(contract: Contract, canary: Canary, pipe: Pipe, which: str) -> str:
    try:
        answer = contract.answer(pipe, contract.canary_input(canary.input, pipe))
    except (MemoryError, Unsupported):
        raise
    except Exception as error:  # of the library, which says what is wrong with the input or with a file
        told = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        if pipe.subject.known:
            raise Unsupported(
                f"{pipe.task}: canary {which} of the manifest cannot be given to the pipeline: {told}",
                remedy="Correct `input` in the manifest: the path of a file that is there, or what the task takes.",
            ) from error
        raise Defect(f"{pipe.task}: canary {which} of seatrial.json fails, other inputs do not: {told}") from error
    return contract.match_canary(answer, canary.answer) if contract.match_canary else contract.meaning(answer)


def _as_json(canary: Canary, got: str) -> dict[str, str]:
    return {"input": brief(canary.input), "expected": canary.answer, "answer": got}
