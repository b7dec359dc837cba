"""Texts to other texts: summaries, translations, answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from fixtures.inputs.sentences import SENTENCES
from fixtures.tasks.pipe import Pipe
from fixtures.tasks.writing import KEYS
from suites.pipelines.contract import Contract
from suites.pipelines.texts import NOT_TEXTS

NEW_TOKENS = 12


def greedily(pipe: Pipe) -> Mapping[str, Any]:
    return {"max_new_tokens": NEW_TOKENS, "do_sample": False, "num_beams": 1}


def problems(key: str, sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """A text of at most as many tokens as asked for, without special tokens."""
    if set(answer) != {key} or not isinstance(answer[key], str):
        yield f"the answer has the keys {sorted(answer)}, promised is a text as {key!r}"
        return
    leaked = [token for token in pipe.tokenizer.all_special_tokens if token and token in answer[key]]
    if leaked:
        yield f"the special token {leaked[0]!r} is in the text {answer[key]!r}"


def stated(task: str, key: str) -> Contract:
    return Contract(
        tasks=(task,),
        samples=lambda pipe: SENTENCES[:3],
        problems=partial(problems, key),
        options=greedily,
        single=lambda output: output[0],
        streamed=lambda output: output[0],
        refused=lambda pipe: NOT_TEXTS,
        meaning=lambda answer: str(answer[key]),
        writes=True,
    )


CONTRACTS = tuple(stated(task, key) for task, key in KEYS.items())
