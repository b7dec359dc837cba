from __future__ import annotations

import re

import pytest

from fixtures.inputs.names import TEXTS
from fixtures.pipelines.pipe import Pipe
from suites.findings import Defect, Unsupported
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.registry import contract_of

STRATEGIES = ("first", "average", "max")
WORD = re.compile(r"\w")


@pytest.mark.tasks("token-classification")
def test_names_keep_words(pipe: Pipe, task: str) -> None:
    """With an aggregation strategy for words no name begins or ends inside of a word.

    Why: half of a name is found in no list; the strategies need the tokenizer to tell where words begin, and guess
    where it does not.
    Fix: use a tokenizer whose offsets tell words apart (`trim_offsets` in tokenizer.json), or the strategy `simple` for
    models that tag every piece.
    Source: https://github.com/huggingface/transformers/issues/18111
    """
    contract_of(pipe)
    if not getattr(pipe.tokenizer, "is_fast", False):
        raise Unsupported("a slow tokenizer gives no offsets, and the strategies for words need them")
    for strategy in STRATEGIES:
        for text in TEXTS:
            for name in pipe(text, aggregation_strategy=strategy):
                _whole(text, name["start"], name["end"], strategy)


def _whole(text: str, start: int, end: int, strategy: str) -> None:
    cut_before = start > 0 and WORD.match(text[start - 1]) and WORD.match(text[start])
    cut_behind = end < len(text) and WORD.match(text[end - 1]) and WORD.match(text[end])
    if cut_before or cut_behind:
        raise Defect(
            f"token-classification: with the strategy '{strategy}' the name {text[start:end]!r} is cut out of a word "
            f"in {brief(text[max(0, start - 12) : end + 12])}.",
            evidence={"text": text, "start": start, "end": end, "strategy": strategy},
        )
