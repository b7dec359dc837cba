from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from fixtures.inputs.texts_with_names import TEXTS
from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect, Limit, NotApplicable, Record
from suites.intervals import wilson
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.registry import contract_of, require_valid_answers

OPTIONS = {"aggregation_strategy": "first"}


@pytest.mark.tasks("token-classification")
@uses("task")
def test_windows_agree(pipe: Pipe, task: str, record: Record) -> None:
    """In overlapping windows, each entity is found once and at the right offsets.

    Why: long documents are split into windows (`stride`); entities at a boundary are found twice or cut, and offsets
    that restart in each window point to other words.
    Fix: increase `stride`; if tokenizer.json enables padding or truncation, remove it there.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines#transformers.TokenClassificationPipeline
    """
    contract = contract_of(pipe)
    if not getattr(pipe.tokenizer, "is_fast", False):
        raise NotApplicable("windows need a fast tokenizer")
    text = " ".join(TEXTS)
    whole, windows = _whole_and_windows(pipe, text)
    if problem := next(contract.problems(text, windows, pipe), None):
        require_valid_answers(contract, pipe)
        raise Defect(f"token-classification: in overlapping windows, {problem}.", evidence={"entities": brief(windows)})
    same = len(_entity_set(whole) & _entity_set(windows))
    record.metric(
        "pipelines.token-classification.entities_found_in_windows",
        same / max(1, len(_entity_set(whole))),
        "share of names",  # windows hide context, so that a healthy model may miss some
        better="higher",
        samples=len(_entity_set(whole)),
        interval=wilson(same, max(1, len(_entity_set(whole)))),
    )


def _whole_and_windows(pipe: Pipe, text: str) -> Iterable[list[Mapping[str, Any]]]:
    """Yields the entities in one pass, and those in windows of half the text that overlap by half."""
    length = len(pipe.tokenizer(text)["input_ids"])
    limit = pipe.tokenizer.model_max_length
    if length > limit:
        raise Limit(f"the text has {length} tokens, the model reads {limit} in one pass")
    yield pipe(text, **OPTIONS)
    try:
        pipe.tokenizer.model_max_length = max(length // 2, 16)
        yield pipe(text, stride=max(length // 4, 8), **OPTIONS)
    finally:
        pipe.tokenizer.model_max_length = limit


def _entity_set(found: Iterable[Mapping[str, Any]]) -> set[tuple[int, int, str]]:
    return {(name["start"], name["end"], name["entity_group"]) for name in found}
