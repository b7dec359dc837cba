"""Texts to other texts: summaries, translations, answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from fixtures.inputs.sentences import SENTENCES
from fixtures.pipelines.pipe import Pipe
from fixtures.pipelines.writing import KEYS, LANGUAGES
from suites.pipelines.contracts.contract import Contract, InputWithOptions
from suites.pipelines.contracts.text_inputs import NOT_TEXTS, leaked

NEW_TOKENS = 12
CODE = re.compile(r"[a-z]{2,3}_[A-Z][A-Za-z]{1,3}|__[a-z]{2,3}__")
"""`eng_Latn`, `de_DE`: the form of language codes."""


def greedily(pipe: Pipe) -> Mapping[str, Any]:
    return {"max_new_tokens": NEW_TOKENS, "do_sample": False, "num_beams": 1}


def between_languages(pipe: Pipe) -> Mapping[str, Any]:
    """From the language that the files name, to another one; nothing where there is only one pair.

    Calls set the tokenizer's own language, so that it is not asked.
    """
    codes = languages(pipe.tokenizer)
    source = pipe.subject.json("tokenizer_config.json").get("src_lang") or next(iter(codes), None)
    others = [code for code in codes if code != source]
    return {"src_lang": source, "tgt_lang": others[0]} if source and others else {}


def languages(tokenizer: Any) -> list[str]:
    """The codes of a tokenizer that writes the language of a text beside it."""
    return sorted(token for token in tokenizer.get_added_vocab() if CODE.fullmatch(token))


def given(known: Any, pipe: Pipe) -> Any:
    """A text; `{"text", "src_lang", "tgt_lang"}` brings its languages."""
    if not isinstance(known, Mapping):
        return known
    return InputWithOptions(known["text"], {name: known[name] for name in LANGUAGES if name in known})


def problems(key: str, sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """A text of at most as many tokens as asked for, without special tokens."""
    if set(answer) != {key} or not isinstance(answer[key], str):
        yield f"the answer has the keys {sorted(answer)}, promised is a text as {key!r}"
        return
    yield from leaked(pipe, answer[key])


def stated(task: str, key: str) -> Contract:
    return Contract(
        tasks=(task,),
        samples=lambda pipe: SENTENCES[:3],
        problems=partial(problems, key),
        options=lambda pipe: {**greedily(pipe), **(between_languages(pipe) if task == "translation" else {})},
        canary_input=given,
        from_single=lambda output: output[0],
        from_stream=lambda output: output[0],
        invalid_inputs=lambda pipe: NOT_TEXTS,
        meaning=lambda answer: str(answer[key]),
        generates_text=True,
    )


CONTRACTS = tuple(stated(task, key) for task, key in KEYS.items())
