from __future__ import annotations

from typing import Any

from fixtures.inputs.conversations import PLAIN
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat, Message, TemplateFails, template_failures
from fixtures.text.differences import first_difference
from suites.chat_templates.affected import uses_of
from suites.chat_templates.evidence import encoded, ids_of, rendered
from suites.chat_templates.tokens.markers import TURNS, WITH_TOOLS
from suites.evidence import tokens
from suites.findings import Defect


@uses("chat", "tools", "serving")
def test_template_ids_match_text(tokenizer: Any, chat: Chat) -> None:
    """Ids from apply_chat_template equal those of its text encoded without special tokens, alone and in a batch.

    Why: some servers tokenize the conversation, others the rendered text; if these differ, some silently give the model
        prompts that it was not trained on.
    Fix: Let only the template add special tokens: no post-processor and no class that overrides it.
    Source: https://huggingface.co/docs/transformers/chat_templating
    """
    rendered(chat, PLAIN["a question"])
    for messages, options in TURNS + WITH_TOOLS:
        if chat.accepts(messages, **options):
            agree(tokenizer, chat, messages, options)
    batch_agrees(tokenizer, chat, [PLAIN["a question"], PLAIN["a follow-up question"]])


def agree(tokenizer: Any, chat: Chat, messages: list[Message], options: dict[str, Any]) -> None:
    __tracebackhide__ = True
    text = chat.render(messages, **options)
    of_text, of_template = encoded(chat, text), ids_of(chat, messages, **options)
    if of_text != of_template:
        summary = difference(tokenizer, of_template, of_text, "encoding its text")
        found = evidence(tokenizer, of_template, of_text) | {"text": text[:400]}
        raise Defect(summary, evidence=found, uses=("serving", *uses_of(messages, options.get("tools"))))


def batch_agrees(tokenizer: Any, chat: Chat, batch: list[list[Message]]) -> None:
    """Compares conversations of different lengths in a batch, without padding, with each alone."""
    __tracebackhide__ = True
    single = [ids_of(chat, messages) for messages in batch if chat.accepts(messages)]
    try:
        with template_failures():
            prepared = [chat.prepared(messages) for messages in batch if chat.accepts(messages)]
            options = {"tokenize": True, "return_dict": True, **chat.given}
            together = tokenizer.apply_chat_template(prepared, **options)["input_ids"]
    except TemplateFails as failure:
        summary = f"Conversations render one by one, but not as a batch: {failure}."
        raise Defect(summary, evidence={"conversations": batch}, uses=("serving",)) from None
    for one, other in zip(single, together, strict=True):
        if one != list(other):
            summary = difference(tokenizer, list(other), one, "the conversation alone")
            raise Defect(summary, evidence=evidence(tokenizer, list(other), one), uses=("serving",))


def difference(tokenizer: Any, left: list[int], right: list[int], what: str) -> str:
    at = first_difference(left, right)
    one, other = (tokens(tokenizer, ids[at : at + 1]) or ["nothing"] for ids in (left, right))
    return f"apply_chat_template gives the token {one[0]} at position {at}, but {what} gives {other[0]}."


def evidence(tokenizer: Any, left: list[int], right: list[int]) -> dict[str, Any]:
    return {
        "from the template": left[:60],
        "otherwise": right[:60],
        "tokens": tokens(tokenizer, left[:60]),
        "tokens otherwise": tokens(tokenizer, right[:60]),
    }
