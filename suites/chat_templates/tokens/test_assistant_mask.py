from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from fixtures.inputs.conversation_strategy import Conversation
from fixtures.inputs.conversations import FOLLOW_UP, PLAIN, QUESTION, assistant
from fixtures.inputs.tools import ASK, CALL, REPLY, RESULT, THANKS, TWO_CALLS, TWO_RESULTS, WEATHER
from fixtures.subjects.subject import Subject
from fixtures.templates.chat import Chat, Message, TemplateFails, stop_ids
from suites.chat_templates.evidence import failure_evidence, rendered
from suites.chat_templates.generated_conversations import Generated, features_of, render
from suites.chat_templates.tokens.masks import GENERATION, Masked, mask_problem, masked, masked_batch
from suites.findings import Defect, Hazard, Record, Unsupported

CONVERSATION = Conversation(PLAIN["two questions and two answers"])
WITH_TOOLS = (
    Conversation([ASK, CALL, RESULT, REPLY, THANKS, CALL, RESULT, REPLY], [WEATHER]),
    Conversation([ASK, TWO_CALLS, *TWO_RESULTS, REPLY], [WEATHER]),
    Conversation([ASK, CALL | {"content": "I look it up."}, RESULT, REPLY], [WEATHER]),
)
AT_THE_EDGES: dict[str, list[Message]] = {
    "starts with a space": [QUESTION, assistant(" Paris."), FOLLOW_UP, assistant(" Rome.")],
    "ends in a space": [QUESTION, assistant("Paris. "), FOLLOW_UP, assistant("Rome.")],
    "starts with a line break": [QUESTION, assistant("\nParis."), FOLLOW_UP, assistant("Rome.")],
    "ends in a line break": [QUESTION, assistant("Paris.\n"), FOLLOW_UP, assistant("Rome.")],
}


def test_assistant_mask(
    subject: Subject, tokenizer: Any, chat: Chat, record: Record, generated_conversations: Generated
) -> None:
    """Where the template marks what is generated, the mask covers each answer or call and its end, and nothing else.

    Why: training on answers alone takes the loss where the mask is 1; a mask that runs on teaches the model to speak
        for the user, one that is cut teaches nothing, or never to stop. No error tells of either.
    Fix: Put content and end-of-turn token between {% generation %} and {% endgeneration %}, and the header before;
        white space at the edges of the block is safest outside of it.
    Source: https://huggingface.co/docs/transformers/chat_templating_writing;
        https://github.com/huggingface/transformers/issues/47325;
        https://github.com/huggingface/trl/issues/5988
    """
    if not GENERATION.search(chat.template):
        record.capability("chat.assistant_mask", "none")
        return
    if not tokenizer.is_fast:
        record.capability("chat.assistant_mask", "needs a fast tokenizer")
        return
    stops = stop_ids(subject, tokenizer)[0]
    rendered(chat, CONVERSATION.messages)
    whole, header = checked(chat, CONVERSATION, stops)
    if not any(whole.mask):
        raise Unsupported("the ids hold no answer that could be masked: see chat_templates/template-ids-match-text")
    record.capability("chat.assistant_mask", f"supported, includes {header} of the header" if header else "supported")
    truncated(chat, CONVERSATION, whole)
    padded(chat, whole)
    with_tools(chat, stops)
    at_the_edges(chat, stops)
    in_generated_ones(chat, generated_conversations, stops)


def checked(chat: Chat, conversation: Conversation, stops: Collection[int]) -> tuple[Masked, str]:
    """The mask of a whole conversation, and what of a header it covers: harmless, and some training templates do it."""
    __tracebackhide__ = True
    try:
        whole = masked(chat, conversation.messages, tools=conversation.tools)
    except TemplateFails as failure:
        raise Defect(f"The template renders, and not with return_assistant_tokens_mask: {failure}.",
                     evidence=failure_evidence(failure, conversation.messages)) from None  # fmt: skip
    problem = mask_problem(chat, conversation, whole, stops)
    if problem and not problem.header:
        raise Defect(problem.summary, evidence=problem.evidence)
    return whole, problem.header if problem else ""


def with_tools(chat: Chat, stops: Collection[int]) -> None:
    """Calls are the assistant's words, results of tools are not."""
    __tracebackhide__ = True
    for conversation in WITH_TOOLS if features_of(chat).tools else ():
        if render(chat, conversation) is not None:
            whole, _ = checked(chat, conversation, stops)
            truncated(chat, conversation, whole)


def in_generated_ones(chat: Chat, generated_conversations: Generated, stops: Collection[int]) -> None:
    """Conversations of the generated conversations, whose odd characters may belong to no token's offsets."""
    __tracebackhide__ = True
    for conversation in generated_conversations(features_of(chat)):
        if render(chat, conversation) is None or not any(each["role"] == "assistant" for each in conversation.messages):
            continue
        problem = mask_problem(chat, conversation, masked(chat, conversation.messages, tools=conversation.tools), stops)
        if problem and not problem.header:
            raise Hazard(f"In a generated conversation the mask is wrong. {problem.summary}",
                         evidence=problem.evidence | {"messages": conversation.messages})  # fmt: skip


def truncated(chat: Chat, conversation: Conversation, whole: Masked) -> None:
    """A cut conversation has the mask of the tokens that are left, wherever it is cut."""
    __tracebackhide__ = True
    side = chat.tokenizer.truncation_side
    for length in cuts(whole):
        keep = slice(len(whole.ids) - length, None) if side == "left" else slice(length)
        expected = Masked(whole.ids[keep], whole.mask[keep])
        try:
            found = masked(chat, conversation.messages, tools=conversation.tools, truncation=True, max_length=length)
        except TemplateFails as failure:
            raise Unsupported(f"a conversation cannot be truncated: {failure}") from None
        if found.ids == expected.ids and found.mask != expected.mask:
            raise Hazard(
                f"Truncation on the {side} changes the assistant mask: {sum(found.mask)} tokens are masked where "
                f"{sum(expected.mask)} of an answer are left.",
                evidence={"max_length": length, "expected": expected.mask, "found": found.mask},
                remedy="Make the mask of the whole conversation and cut it yourself; or set truncation_side to right.",
            )


def cuts(whole: Masked) -> Iterator[int]:
    """Lengths that cut inside the first answer, between the answers, and inside the last one."""
    ones = [number for number, bit in enumerate(whole.mask) if bit]
    if not ones or 0 not in whole.mask[ones[0] :]:
        return
    gap = next(number for number, bit in enumerate(whole.mask) if not bit and number > ones[0])
    yield from {ones[0] + 1, gap, ones[-1], len(whole.ids) - ones[0] - 1}


def padded(chat: Chat, whole: Masked) -> None:
    """Padding is not masked, on either side, and moves the mask with the tokens."""
    __tracebackhide__ = True
    if chat.tokenizer.pad_token_id is None:
        return
    short = PLAIN["a question and its answer"]
    for side in ("left", "right"):
        try:
            found = masked_batch(chat, [CONVERSATION.messages, short], tokenizer_kwargs={"padding_side": side})
            alone = masked(chat, short)
        except TemplateFails as failure:
            raise Unsupported(f"conversations cannot be padded: {failure}") from None
        zeros = [0] * (len(whole.mask) - len(alone.mask))
        expected = [whole.mask, zeros + alone.mask if side == "left" else alone.mask + zeros]
        if [each.mask for each in found] != expected:
            raise Hazard(f"Padding on the {side} changes the assistant mask.",
                         evidence={"expected": expected, "found": [each.mask for each in found]},
                         remedy="Pad after the masks are made.")  # fmt: skip


def at_the_edges(chat: Chat, stops: Collection[int]) -> None:
    """White space at the edge of an answer may belong to no token's offsets."""
    __tracebackhide__ = True
    for how, messages in AT_THE_EDGES.items():
        if not chat.accepts(messages):
            continue
        problem = mask_problem(chat, Conversation(messages), masked(chat, messages), stops)
        if problem and not problem.header:
            raise Hazard(f"When an answer {how}, the mask is wrong. {problem.summary}", evidence=problem.evidence,
                         remedy="Strip answers before training on them, or trim content in the template.")  # fmt: skip
