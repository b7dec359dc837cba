"""Promise: a prompt starts with one BOS."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

from fixtures.inputs.conversations import PLAIN, QUESTION
from fixtures.subjects.chat import Chat
from suites.chat_templates.evidence import ids_of, tokens
from suites.findings import Defect, Hazard


def test_one_bos(tokenizer: Any, chat: Chat) -> None:
    """Token ids from the template start with at most one BOS, and with one where the tokenizer itself adds it.

    Why: models are trained with exactly one; attention sinks on it, and quality suffers silently with none or two.
    Fix: Write {{ bos_token }} once, at the start of the template.
    Source: https://huggingface.co/docs/transformers/chat_templating;
        https://github.com/huggingface/transformers/pull/37686
    """
    bos = tokenizer.bos_token_id
    if bos is None:
        return
    for name, messages in PLAIN.items():
        ids = ids_of(chat, messages)
        leading = len(list(takewhile(lambda number: number == bos, ids)))
        if leading > 1:
            raise Defect(f"{name.capitalize()} starts with {leading} BOS tokens ({tokenizer.bos_token}).",
                         evidence={"ids": ids[:12], "tokens": tokens(tokenizer, ids[:12])})  # fmt: skip
    missing(tokenizer, ids_of(chat, [QUESTION]))


def missing(tokenizer: Any, ids: list[int]) -> None:
    """A template without BOS beside a tokenizer that adds one: Zephyr was published so, on purpose or not."""
    __tracebackhide__ = True
    bos = tokenizer.bos_token_id
    if tokenizer("hello")["input_ids"][:1] == [bos] and ids[:1] != [bos]:
        raise Hazard(
            f"The tokenizer starts every text with {tokenizer.bos_token}, and the chat template does not.",
            evidence={"template ids": ids[:12], "tokens": tokens(tokenizer, ids[:12]),
                      "plain text": tokens(tokenizer, tokenizer("hello")["input_ids"])},
        )  # fmt: skip
