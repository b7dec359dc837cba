from __future__ import annotations

import pytest

from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.registry import contract_of


@pytest.mark.tasks("text-generation")
@uses("task")
def test_full_text_when_asked(pipe: Pipe, task: str) -> None:
    """With `return_full_text`, the answer is the prompt followed by the new text; without it, only the new text.

    Why: chats and logs are built from these texts; a prompt that is repeated, or cut at the wrong position because
    decoding changes it, becomes the input of the next turn.
    Fix: compare the prompt with its decoded tokens: `clean_up_tokenization_spaces`, added spaces.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines#transformers.TextGenerationPipeline
    """
    contract = contract_of(pipe)
    for prompt in contract.samples(pipe):
        new = contract.answer(pipe, prompt)[0]["generated_text"]
        full = contract.answer(pipe, prompt, return_full_text=True)[0]["generated_text"]
        evidence = {"prompt": prompt, "new text": brief(new), "full text": brief(full)}
        if prompt.strip() in new:
            raise Defect(f"{task}: only new text was asked for, but it contains the prompt.", evidence=evidence)
        if not full.startswith(prompt):
            raise Defect(f"{task}: the full text does not begin with the prompt {prompt!r}.", evidence=evidence)
        if prompt in full[len(prompt) :]:
            raise Defect(f"{task}: the full text contains the prompt twice.", evidence=evidence)
        if full != prompt + new:
            raise Defect(f"{task}: the full text is not the prompt followed by the new text.", evidence=evidence)
