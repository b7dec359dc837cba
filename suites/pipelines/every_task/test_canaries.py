from __future__ import annotations

from typing import Any

from fixtures.inputs.canaries import Canary
from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect, Limit, Record
from suites.intervals import wilson
from suites.pipelines.contracts import fixes, library_errors
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.registry import contract_of

MAX_QUOTED = 100
"""Characters of an input that a summary quotes."""


@uses("task", "inputs")
def test_canaries(canaries: tuple[Canary, ...], pipe: Pipe, task: str, record: Record) -> None:
    """Inputs with a known answer (canaries) get that answer.

    Why: swapped labels, images that are rescaled twice or audio at the wrong sampling rate leave all shapes and score
    sums valid; only the meaning is wrong.
    Fix: compare the labels with the head, and the settings of the preprocessor with those of training.
    Source: https://github.com/huggingface/transformers/issues/3093
    """
    contract = contract_of(pipe)
    answers = [
        _answer_as_text(contract, canary, pipe, f"{number} of {len(canaries)}")
        for number, canary in enumerate(canaries, 1)
    ]
    wrong = [
        (canary, got)
        for canary, got in zip(canaries, answers, strict=True)
        if got.strip().lower() != canary.answer.strip().lower()
    ]
    right = len(canaries) - len(wrong)
    record.metric(
        f"pipelines.{task}.canary_accuracy",
        right / len(canaries),
        "share",
        better="higher",
        samples=len(canaries),
        interval=wilson(right, len(canaries)),
    )
    # built-in canaries are easy, but a healthy model may miss one; if most are wrong, the labels are
    if wrong and (wrong[0][0].declared or 2 * right < len(canaries)):
        canary, got = wrong[0]
        which = _quoted(canary.input, f"input {1 + canaries.index(canary)} of {len(canaries)}")
        raise Defect(
            f"{task}: {len(wrong)} of {len(canaries)} inputs with a known answer get another one: expected "
            f"{canary.answer!r}, got {got!r} for {which}.",
            evidence={"wrong": [_as_json(*each) for each in wrong]},
            fix=fixes.of_wrong_answer(task),
        )


def _quoted(value: Any, otherwise: str) -> str:
    """Returns a short text in quotes, or `otherwise` for other inputs."""
    quotable = (
        isinstance(value, str) and len(value) <= MAX_QUOTED and not value.startswith(("data:", "http:", "https:"))
    )
    return repr(value) if quotable else otherwise


def _answer_as_text(contract: Contract, canary: Canary, pipe: Pipe, which: str) -> str:
    try:
        answer = contract.answer(pipe, contract.canary_input(canary.input, pipe))
    except Exception as error:  # of the library; its message names the input or the file
        message = library_errors.in_words(error)
        if pipe.subject.manifest_canaries:
            raise Limit(
                f"{pipe.task}: the pipeline fails on canary {which} of the manifest: {message}",
                fix="Correct `input` in the manifest: the path of an existing file, or an input of this task.",
            ) from error
        summary = f"{pipe.task}: canary {which} of seatrial.json fails, other inputs do not: {message}"
        raise Defect(summary, fix="Correct what the error names.") from error
    return contract.match_canary(answer, canary.answer) if contract.match_canary else contract.meaning(answer)


def _as_json(canary: Canary, got: str) -> dict[str, str]:
    return {"input": brief(canary.input), "expected": canary.answer, "answer": got}
