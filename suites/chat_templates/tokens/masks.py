"""The assistant mask of apply_chat_template, and the tokens that it must cover, found independently."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from fixtures.inputs.conversation_strategy import Conversation
from fixtures.templates.chat import Chat, Message, template_failures
from suites.chat_templates.tokens.turns import Turn, tool_turns, turns

GENERATION = re.compile(r"\{%[-+]?\s*generation\s*[-+]?%\}")
WIDTH = 24
"""Characters of context that a finding shows."""


@dataclass(frozen=True)
class Masked:
    """Token ids, with 1 for tokens of the assistant's answers."""

    ids: list[int]
    mask: list[int]


@dataclass(frozen=True)
class MaskProblem:
    """A problem with a mask."""

    summary: str
    header: str
    """The first masked token of the assistant's own header, if nothing else is wrong."""
    evidence: dict[str, Any]


def masked(chat: Chat, messages: list[Message], **options: Any) -> Masked:
    """Ids and mask from the library; raises `TemplateFails`."""
    with template_failures():
        found = chat.tokenizer.apply_chat_template(
            chat.prepared(messages),
            tokenize=True,
            return_dict=True,
            return_assistant_tokens_mask=True,
            **options,
        )
    return Masked(list(found["input_ids"]), list(found["assistant_masks"]))


def masked_batch(chat: Chat, batch: list[list[Message]], **options: Any) -> list[Masked]:
    """Ids and masks of several conversations, padded."""
    with template_failures():
        found = chat.tokenizer.apply_chat_template(
            [chat.prepared(messages) for messages in batch],
            tokenize=True,
            return_dict=True,
            return_assistant_tokens_mask=True,
            padding=True,
            **options,
        )
    return [
        Masked(list(ids), list(mask)) for ids, mask in zip(found["input_ids"], found["assistant_masks"], strict=True)
    ]


def mask_problem(chat: Chat, conversation: Conversation, found: Masked, stops: Collection[int]) -> MaskProblem | None:
    """The first problem: a token of an answer or call, or its end token, that is left out, or another one covered."""
    text = chat.render(conversation.messages, tools=conversation.tools)
    offsets = chat.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    answers = tool_turns(chat, conversation, text) if conversation.tools else turns(chat, conversation.messages, text)
    if answers is None or len(offsets) != len(found.ids):
        return None  # reported by content-verbatim, prefix-stable and template-ids-match-text
    tokens = [
        Piece(number, start, end, found.ids[number], bool(found.mask[number]))
        for number, (start, end) in enumerate(offsets)
    ]
    if conversation.tools:
        ends = [last_stop_token(tokens, turn, stops) for turn in answers]
        answers = [replace(turn, end=end.start) if end else turn for turn, end in zip(answers, ends, strict=True)]
    for number, turn in enumerate(answers, start=1):
        if problem := uncovered(text, tokens, turn, number, len(answers), stops):
            return problem
    return outside_answers(text, tokens, answers, stops)


@dataclass(frozen=True)
class Piece:
    """A token of the rendered text."""

    position: int
    start: int
    end: int
    id: int
    masked: bool


def last_stop_token(tokens: list[Piece], turn: Turn, stops: Collection[int]) -> Piece | None:
    """The token that ends a turn with calls, of which only the whole text is known."""
    inside = [each for each in tokens if turn.start <= each.start < turn.closes and each.id in stops]
    return inside[-1] if inside else None


def end_token(tokens: list[Piece], turn: Turn, stops: Collection[int]) -> Piece | None:
    """The token that ends a turn."""
    return next((each for each in tokens if turn.end <= each.start < turn.closes and each.id in stops), None)


def uncovered(
    text: str, tokens: list[Piece], turn: Turn, number: int, of: int, stops: Collection[int]
) -> MaskProblem | None:
    answer = [each for each in tokens if each.end > each.start and each.start < turn.end and each.end > turn.start]
    left_out = [each for each in answer if not each.masked]
    which = f"answer {number} of {of}"
    if left_out:
        some = "all" if len(left_out) == len(answer) else f"{len(left_out)} of {len(answer)}"
        summary = f"The assistant mask leaves out {some} tokens of {which}."
        return MaskProblem(summary, "", token_evidence(text, tokens, left_out[0]))
    end = end_token(tokens, turn, stops)
    if end and not end.masked:
        marker = text[end.start : end.end]
        summary = (
            f"The assistant mask leaves out {marker}, the token that ends {which}: training never shows the model "
            "where to stop."
        )
        return MaskProblem(summary, "", token_evidence(text, tokens, end))
    return None


def outside_answers(text: str, tokens: list[Piece], answers: list[Turn], stops: Collection[int]) -> MaskProblem | None:
    """The first masked token that belongs to no answer; one outside of headers takes precedence."""
    ends = [(end.end if (end := end_token(tokens, turn, stops)) else turn.closes) for turn in answers]
    header: MaskProblem | None = None
    for each in tokens:
        token = text[each.start : each.end]
        inside = any(
            turn.prompt <= each.start < end or turn.start < each.end <= end
            for turn, end in zip(answers, ends, strict=True)
        )
        if not each.masked or inside or not token.strip():
            continue
        if not any(turn.opens <= each.start < turn.prompt for turn in answers):
            summary = f"The assistant mask covers text outside of the assistant's answers: {token!r}."
            return MaskProblem(summary, "", token_evidence(text, tokens, each))
        header = header or MaskProblem("The assistant mask covers a header.", token, token_evidence(text, tokens, each))
    return header


def token_evidence(text: str, tokens: list[Piece], at: Piece) -> dict[str, Any]:
    masked_text = "".join(text[each.start : each.end] if each.masked else "·" for each in tokens)
    return {
        "token": text[at.start : at.end],
        "position": at.position,
        "around": text[max(0, at.start - WIDTH) : at.end + WIDTH],
        "text": text[:600],
        "masked": re.sub("·+", " … ", masked_text)[:400],
    }
