from __future__ import annotations

from typing import Any

import pytest

from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.registry import contract_of

COUNT = 3


@pytest.mark.tasks("text-generation")
@uses("task")
def test_as_many_texts_as_asked(pipe: Pipe, task: str) -> None:
    """`num_return_sequences` gives that number of texts for each prompt, in order, and a seed reproduces them.

    Why: users sample several answers and choose the best; if texts are missing or belong to another prompt, they choose
    a wrong one.
    Fix: usually no change in the model helps; look for sampling settings in generation_config.json that leave one text.
    Source: https://huggingface.co/docs/transformers/main_classes/text_generation
    """
    contract = contract_of(pipe)
    prompts = list(contract.samples(pipe)[:2])
    first, again = (_sampled_texts(pipe, prompts) for _ in range(2))
    for prompt, texts in zip(prompts, first, strict=True):
        if len(texts) != COUNT:
            raise Defect(f"{task}: {COUNT} texts were asked for, {len(texts)} came.", evidence={"texts": brief(texts)})
        other = [text for text in texts if not text.startswith(prompt)]
        if other:
            raise Defect(f"{task}: {brief(other[0])} is returned for the prompt {prompt!r}.")
    if first != again:
        raise Defect(f"{task}: the same seed gives other texts.", evidence={"first": first, "again": again})


def _sampled_texts(pipe: Pipe, prompts: list[str]) -> list[list[str]]:
    import torch

    options: dict[str, Any] = {"do_sample": True, "num_return_sequences": COUNT, "max_new_tokens": 4}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        answers = pipe(prompts, return_full_text=True, **options)
    return [[each["generated_text"] for each in texts] for texts in answers]
