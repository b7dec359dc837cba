from __future__ import annotations

import re

import pytest

from fixtures.inputs.texts_with_names import TEXTS
from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect, NotApplicable
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.registry import contract_of

STRATEGIES = ("first", "average", "max")
WORD = re.compile(r"\w")


@pytest.mark.tasks("token-classification")
@uses("task")
def test_names_keep_words(pipe: Pipe, task: str) -> None:
    """With a word-level aggregation strategy, no entity begins or ends inside of a word.

    Why: half a name cannot be looked up; the strategies need word boundaries from the tokenizer, and guess if it gives
    none.
    Fix: use a tokenizer whose offsets separate words (`trim_offsets` in tokenizer.json), or the strategy `simple` for
    models that label every token.
    Source: https://github.com/huggingface/transformers/issues/18111
    """
    contract_of(pipe)
    if not getattr(pipe.tokenizer, "is_fast", False):
        raise NotApplicable("a slow tokenizer gives no offsets, which the word-level strategies need")
    for strategy in STRATEGIES:
        for text in TEXTS:
            for name in pipe(text, aggregation_strategy=strategy):
                _check_boundaries(text, name["start"], name["end"], strategy)


def _check_boundaries(text: str, start: int, end: int, strategy: str) -> None:
    cut_before = start > 0 and WORD.match(text[start - 1]) and WORD.match(text[start])
    cut_after = end < len(text) and WORD.match(text[end - 1]) and WORD.match(text[end])
    if cut_before or cut_after:
        raise Defect(
            f"token-classification: with the strategy '{strategy}', the entity {text[start:end]!r} is cut out of a "
            f"word in {brief(text[max(0, start - 12) : end + 12])}.",
            evidence={"text": text, "start": start, "end": end, "strategy": strategy},
        )
