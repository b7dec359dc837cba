from __future__ import annotations

from typing import Any

from fixtures.inputs.conversations import QUESTION
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat
from suites.chat_templates.evidence import encoded, rendered
from suites.evidence import tokens
from suites.findings import Hazard


@uses("serving", "training")
def test_one_bos_when_retokenized(tokenizer: Any, chat: Chat) -> None:
    """Calling the tokenizer on rendered text adds no second BOS before it and nothing after it.

    Why: many servers and trainers render first and tokenize later; the second BOS costs quality, and an EOS after the
        prompt ends the turn before the answer begins.
    Fix: Tokenize rendered text with add_special_tokens=False, or render with apply_chat_template(tokenize=True).
    Source: https://huggingface.co/docs/transformers/chat_templating;
        https://github.com/huggingface/transformers/issues/37686
    """
    text = rendered(chat, [QUESTION], add_generation_prompt=True)
    direct = encoded(chat, text)
    again = list(tokenizer(text)["input_ids"])
    before, after = added_around(again, direct)
    bos = tokenizer.bos_token_id
    if bos is not None and bos in before and direct[:1] == [bos]:
        raise Hazard(
            f"Rendered text starts with {tokenizer.bos_token}, and calling the tokenizer on it adds another one.",
            evidence={"text": text[:200], "ids": again[:8], "tokens": tokens(tokenizer, again[:8])},
        )
    if after:
        raise Hazard(
            f"Calling the tokenizer on a rendered prompt appends {' '.join(map(str, tokens(tokenizer, after)))}, which "
            "ends the turn before the answer begins.",
            evidence={"text": text[-200:], "ids": again[-8:], "tokens": tokens(tokenizer, again[-8:])},
        )


def added_around(longer: list[int], shorter: list[int]) -> tuple[list[int], list[int]]:
    """The ids before and after the shorter list in the longer one; none if it is not in there."""
    for start in range(len(longer) - len(shorter), -1, -1):
        if longer[start : start + len(shorter)] == shorter:
            return longer[:start], longer[start + len(shorter) :]
    return [], []
