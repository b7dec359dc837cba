from __future__ import annotations

import re
from itertools import chain
from typing import Any

from fixtures.inputs.conversation_strategy import Features
from fixtures.inputs.conversations import ANSWER, CONTENTS, QUESTION, user
from fixtures.references.chat.encoder import Official
from fixtures.references.chat.official_encoder import official, with_template_words
from fixtures.references.chat.recognition import Recognised
from fixtures.references.chat.template_renders import CONVERSATIONS
from fixtures.references.chat.tool_format import Offer, RecognisedTools
from fixtures.references.reference import ReferenceMissing
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat, Message, TemplateFails
from fixtures.text.differences import first_difference
from suites.chat_templates.affected import caught, raise_by_use, uses_of
from suites.chat_templates.generated_conversations import Generated
from suites.chat_templates.references.deviation import family_of
from suites.chat_templates.references.tool_conversations import complete, fixed_renders, tool_format_of
from suites.evidence import tokens
from suites.findings import Defect, Missing, NotApplicable, Record


@uses("chat", "tools")
def test_agrees_with_official_chat_encoder(
    tokenizer: Any, chat: Chat, record: Record, profile: str, generated_conversations: Generated
) -> None:
    """apply_chat_template gives the ids of the vendor's own encoder, if vocabulary and format are the vendor's.

    Why: text that looks right can become other tokens, for example with a space after a control token; the model was
        trained on the ids of the vendor's encoder.
    Fix: Change the white space of the template, or the tokenizer's prefix space, until the ids are those of the
        encoder.
    Source: https://docs.mistral.ai/cookbook/concept-deep-dive-tokenization-templates;
        https://github.com/mistralai/mistral-common; https://github.com/meta-llama/llama-models;
        https://github.com/openai/harmony
    """
    found = family_of(chat)
    encoder = found and encoder_of(found, tokenizer)
    record.capability("chat.official_encoder", encoder.name if encoder else "none for this vocabulary and format")
    if not found or not encoder:
        raise NotApplicable("there is no official encoder for this vocabulary and format")
    drawn = [] if profile == "quick" else [each.messages for each in generated_conversations(Features())]
    record.tested("chat", *["tools"] * bool(encoder.encode_tools and tool_format_of(chat)))
    compared = (
        caught(compare, tokenizer, chat, found, encoder, messages)
        for messages in [*CONVERSATIONS.values(), *contents(), *drawn]
    )
    raise_by_use([*chain.from_iterable(compared), *caught(compare_tools, tokenizer, chat, encoder)])


def encoder_of(found: Recognised, tokenizer: Any) -> Official | None:
    __tracebackhide__ = True
    try:
        return official(found, tokenizer)
    except ReferenceMissing as missing:
        raise Missing(f"{missing}.", missing.how) from None


def contents() -> list[list[Message]]:
    """Conversations with contents of many kinds directly after control tokens."""
    return [[QUESTION, ANSWER, user(text)] for text in CONTENTS.values()]


def compare(tokenizer: Any, chat: Chat, found: Recognised, encoder: Official, messages: list[Message]) -> None:
    __tracebackhide__ = True
    prompt = messages[-1]["role"] == "user"
    same = with_template_words(found, messages)
    if (
        same is None
        or (not prompt and not encoder.encodes_answers)
        or any("▁" in str(each["content"]) for each in messages)
    ):
        return  # not covered; SentencePiece reads the letter '▁' as a space
    try:
        shown = chat.render(messages, add_generation_prompt=prompt)
        actual = chat.ids(messages, add_generation_prompt=prompt)
    except TemplateFails:
        return  # `renders` reports failures
    if any(str(each["content"]) not in shown for each in messages):
        return  # reported by `agrees-with-family-reference`, `content-verbatim` and the capabilities
    differ(tokenizer, found, encoder, messages, without_bos(encoder.encode(same), found, tokenizer), actual)


def compare_tools(tokenizer: Any, chat: Chat, encoder: Official) -> None:
    """Checks tools, calls and results in conversations without a system message."""
    __tracebackhide__ = True
    tooling = tool_format_of(chat)
    if not tooling or not encoder.encode_tools:
        return
    for _, (offer, text) in fixed_renders(chat):
        ids = (
            encoder.encode_tools(tooling, offer)
            if complete(offer, text) and not plain_results(tooling, offer)
            else None
        )
        if ids is not None:
            messages = [dict(each) for each in offer.messages]
            actual = chat.ids(messages, tools=list(offer.tools), add_generation_prompt=offer.prompt)
            differ(tokenizer, tooling.found, encoder, messages, without_bos(ids, tooling.found, tokenizer), actual)


def plain_results(tooling: RecognisedTools, offer: Offer) -> bool:
    """True if the template writes a result in a way that `tools-agree-with-family-reference` reports."""
    departs = any(re.fullmatch(quirk.like, tooling.options[quirk.of]) for quirk in tooling.format.quirks)
    return (
        departs
        and tooling.format.name.startswith("Mistral")
        and any(each["role"] == "tool" and not str(each["content"]).startswith("{") for each in offer.messages)
    )


def differ(
    tokenizer: Any,
    found: Recognised,
    encoder: Official,
    messages: list[Message],
    expected: list[int],
    actual: list[int],
) -> None:
    __tracebackhide__ = True
    if actual != expected:
        raise Defect(
            summary(tokenizer, encoder, expected, actual),
            evidence=evidence(tokenizer, found, encoder, messages, expected, actual),
            uses=("tools",) if "tools" in uses_of(messages) else ("chat",),
        )


def without_bos(expected: list[int], found: Recognised, tokenizer: Any) -> list[int]:
    """The expected ids without BOS if the template leaves it out, which `one-bos` reports."""
    bare = not found.style.start and expected[:1] == [tokenizer.bos_token_id]
    return expected[1:] if bare else expected


def summary(tokenizer: Any, encoder: Official, expected: list[int], actual: list[int]) -> str:
    at = first_difference(expected, actual)
    wanted, got = (tokens(tokenizer, ids[max(0, at - 1) : at + 3]) for ids in (expected, actual))
    return f"The ids of a conversation differ from those of {encoder.name} at token {at}: {got} instead of {wanted}."


def evidence(
    tokenizer: Any,
    found: Recognised,
    encoder: Official,
    messages: list[Message],
    expected: list[int],
    actual: list[int],
) -> dict[str, Any]:
    at = first_difference(expected, actual)
    around = slice(max(0, at - 4), at + 8)
    return {
        "encoder": encoder.name,
        "source": encoder.source,
        "family": found.family.name,
        "messages": messages,
        "differs at": at,
        "expected ids": expected[around],
        "actual ids": actual[around],
        "expected tokens": tokens(tokenizer, expected[around]),
        "actual tokens": tokens(tokenizer, actual[around]),
    }
