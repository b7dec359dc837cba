from __future__ import annotations

from itertools import takewhile
from typing import Any

from fixtures.inputs.conversations import PLAIN, QUESTION
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat
from suites.chat_templates.affected import uses_of
from suites.chat_templates.evidence import ids_of, rendered
from suites.chat_templates.tokens.markers import TURNS, WITH_TOOLS
from suites.evidence import tokens
from suites.findings import Defect, Hazard, NotApplicable


@uses("chat", "tools")
def test_one_bos(tokenizer: Any, chat: Chat) -> None:
    """Token ids from the template start with at most one BOS, and with one if the tokenizer itself adds it.

    Why: models are trained with exactly one BOS, which attention relies on; none or two silently cost quality.
    Fix: Write {{ bos_token }} once, at the start of the template.
    Source: https://huggingface.co/docs/transformers/chat_templating;
        https://github.com/huggingface/transformers/issues/37686
    """
    rendered(chat, PLAIN["a question"])
    bos = tokenizer.bos_token_id
    if bos is None:
        raise NotApplicable("the tokenizer has no BOS token")
    for messages, options in TURNS + WITH_TOOLS:
        if not chat.accepts(messages, **options):
            continue
        ids = ids_of(chat, messages, **options)
        leading = len(list(takewhile(lambda number: number == bos, ids)))
        if leading > 1:
            summary = f"The prompt starts with {leading} BOS tokens ({tokenizer.bos_token}) instead of one."
            raise Defect(
                summary,
                evidence={"messages": messages, **start(tokenizer, ids)},
                uses=uses_of(messages, options.get("tools")),
            )
    check_missing(tokenizer, chat)


def check_missing(tokenizer: Any, chat: Chat) -> None:
    """Raises Hazard for a template without BOS if the tokenizer adds one, as in Zephyr.

    Rendering and then calling the tokenizer gives a BOS, tokenizing with the template gives none.
    """
    __tracebackhide__ = True
    bos, ids = tokenizer.bos_token_id, ids_of(chat, [QUESTION])
    plain = list(tokenizer("hello")["input_ids"])
    if plain[:1] == [bos] and ids[:1] != [bos]:
        raise Hazard(
            f"The tokenizer starts every text with {tokenizer.bos_token}, but the chat template does not.",
            evidence={**start(tokenizer, ids), "plain text": tokens(tokenizer, plain)},
            uses=("chat",),
        )


def start(tokenizer: Any, ids: list[int]) -> dict[str, Any]:
    return {"ids": ids[:12], "tokens": tokens(tokenizer, ids[:12])}
