"""Texts to texts: summaries, translations, other text2text tasks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from fixtures.inputs.sentences import SENTENCES
from fixtures.pipelines.pipe import Pipe
from fixtures.pipelines.text_to_text import KEYS, LANGUAGES
from suites.pipelines.contracts.contract import Contract, InputWithOptions
from suites.pipelines.contracts.text_inputs import NOT_TEXTS, leaked_special_tokens

NEW_TOKENS = 12
CODE = re.compile(r"[a-z]{2,3}_[A-Z][A-Za-z]{1,3}|__[a-z]{2,3}__")
"""`eng_Latn`, `de_DE`: the format of language codes."""


def greedily(pipe: Pipe) -> Mapping[str, Any]:
    return {"max_new_tokens": NEW_TOKENS, "do_sample": False, "num_beams": 1}


def between_languages(pipe: Pipe) -> Mapping[str, Any]:
    """Returns source and target language; nothing if the model has one pair of languages only.

    The source language is read from the files, because calls change the tokenizer's own.
    """
    codes = languages(pipe.tokenizer)
    source = pipe.subject.json("tokenizer_config.json").get("src_lang") or next(iter(codes), None)
    others = [code for code in codes if code != source]
    return {"src_lang": source, "tgt_lang": others[0]} if source and others else {}


def languages(tokenizer: Any) -> list[str]:
    """Returns the language codes among the added tokens of a tokenizer."""
    return sorted(token for token in tokenizer.get_added_vocab() if CODE.fullmatch(token))


def canary_input(value: Any, pipe: Pipe) -> Any:
    """Converts `{"text", "src_lang", "tgt_lang"}` into a text with its languages; keeps a text as it is."""
    if not isinstance(value, Mapping):
        return value
    return InputWithOptions(value["text"], {name: value[name] for name in LANGUAGES if name in value})


def problems(key: str, sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless the answer is a text without special tokens."""
    if set(answer) != {key} or not isinstance(answer[key], str):
        yield f"the answer has the keys {sorted(answer)}, not a text as {key!r}"
        return
    yield from leaked_special_tokens(pipe, answer[key])


def _contract(task: str, key: str) -> Contract:
    return Contract(
        tasks=(task,),
        samples=lambda pipe: SENTENCES[:3],
        problems=partial(problems, key),
        options=lambda pipe: {**greedily(pipe), **(between_languages(pipe) if task == "translation" else {})},
        canary_input=canary_input,
        from_single=lambda output: output[0],
        from_stream=lambda output: output[0],
        invalid_inputs=lambda pipe: NOT_TEXTS,
        meaning=lambda answer: str(answer[key]),
    )


CONTRACTS = tuple(_contract(task, key) for task, key in KEYS.items())
