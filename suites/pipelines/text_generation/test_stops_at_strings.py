from __future__ import annotations

import pytest

from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect, NotApplicable
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.registry import contract_of

MIN_CHARACTERS = 6
LENGTH = 3
"""Characters of a stop string."""


@pytest.mark.tasks("text-generation")
@uses("task")
def test_stops_at_strings(pipe: Pipe, task: str) -> None:
    """Generation ends with the token that completes a stop string, and not before.

    Why: stop strings end an answer at the next question or at the end of a block; if a string that spans two tokens is
    missed, the model continues, and the rest is taken for a part of the answer.
    Fix: usually no change in the model helps; report the tokenizer's class to the library.
    Source: https://huggingface.co/docs/transformers/main_classes/text_generation
    """
    contract = contract_of(pipe)
    prompt, text = _long_answer(contract, pipe)
    stop = _stop_string(pipe.tokenizer.decode(pipe.tokenizer(prompt)["input_ids"], skip_special_tokens=True), text)
    output = contract.answer(
        pipe, prompt, return_full_text=None, return_tensors=True, stop_strings=[stop], tokenizer=pipe.tokenizer
    )
    ids = list(output[0]["generated_token_ids"])
    start = len(pipe.tokenizer(prompt)["input_ids"])
    written, before = (pipe.tokenizer.decode(part, skip_special_tokens=True) for part in (ids[start:], ids[start:-1]))
    evidence = {"prompt": prompt, "stop string": stop, "without it": brief(text), "with it": brief(written)}
    if stop not in written:
        raise Defect(f"{task}: generation ends before the stop string {stop!r} was written.", evidence=evidence)
    if stop in before:
        raise Defect(f"{task}: generation continues after the stop string {stop!r}.", evidence=evidence)


def _stop_string(prompt: str, text: str) -> str:
    """Returns three characters of the text that do not appear where prompt and text meet."""
    for at in range(len(text) // 3, len(text) - LENGTH + 1):
        stop = text[at : at + LENGTH]
        ends = (prompt[1 - LENGTH :] + gap + text[: LENGTH - 1].lstrip() for gap in ("", " "))
        if stop.strip() and not any(stop in end for end in ends):
            return stop
    raise NotApplicable("the text is too repetitive: all of its parts also appear where prompt and text meet")


def _long_answer(contract: Contract, pipe: Pipe) -> tuple[str, str]:
    """Returns a prompt and the new text for it."""
    for prompt in contract.samples(pipe):
        text = contract.answer(pipe, prompt)[0]["generated_text"]
        if len(text) >= MIN_CHARACTERS and "�" not in text:
            return prompt, text
    raise NotApplicable(f"the model generates fewer than {MIN_CHARACTERS} characters, too few for a stop string")
