from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from fixtures.inputs.conversation_strategy import Conversation
from fixtures.inputs.conversations import FOLLOW_UP, PLAIN, QUESTION, assistant
from fixtures.inputs.tools import ASK, CALL, REPLY, RESULT, THANKS, TWO_CALLS, TWO_RESULTS, WEATHER
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.templates.chat import Chat, Message, TemplateFails, stop_ids
from suites.chat_templates.evidence import failure_evidence, rendered
from suites.chat_templates.generated_conversations import Generated, features_of, render
from suites.chat_templates.tokens.masks import GENERATION, Masked, mask_problem, masked, masked_batch
from suites.findings import Blocked, Defect, Hazard, NotApplicable, Record, Refused

CONVERSATION = Conversation(PLAIN["two questions and two answers"])
WITH_TOOLS = (
    Conversation([ASK, CALL, RESULT, REPLY, THANKS, CALL, RESULT, REPLY], [WEATHER]),
    Conversation([ASK, TWO_CALLS, *TWO_RESULTS, REPLY], [WEATHER]),
    Conversation([ASK, CALL | {"content": "I look it up."}, RESULT, REPLY], [WEATHER]),
)
WITH_OUTER_WHITE_SPACE: dict[str, list[Message]] = {
    "starts with a space": [QUESTION, assistant(" Paris."), FOLLOW_UP, assistant(" Rome.")],
    "ends in a space": [QUESTION, assistant("Paris. "), FOLLOW_UP, assistant("Rome.")],
    "starts with a line break": [QUESTION, assistant("\nParis."), FOLLOW_UP, assistant("Rome.")],
    "ends in a line break": [QUESTION, assistant("Paris.\n"), FOLLOW_UP, assistant("Rome.")],
}


@uses("training")
def test_assistant_mask(
    subject: Subject, tokenizer: Any, assistant_chat: Chat, record: Record, generated_conversations: Generated
) -> None:
    """The assistant mask covers each answer or call with its end token and nothing else.

    Why: training on answers takes the loss where the mask is 1; a mask that is too long silently teaches the model to
        speak for the user, and one that is too short teaches nothing, or never to stop.
    Fix: Put content and end-of-turn token between {% generation %} and {% endgeneration %}, and header and outer white
        space outside.
    Source: https://huggingface.co/docs/transformers/chat_templating_writing;
        https://github.com/huggingface/transformers/issues/47325;
        https://github.com/huggingface/trl/issues/5988
    """
    chat = assistant_chat
    if not GENERATION.search(chat.template):
        record.capability("chat.assistant_mask", "none")
        raise NotApplicable("the template has no {% generation %} block")
    if not tokenizer.is_fast:
        record.capability("chat.assistant_mask", "needs a fast tokenizer")
        raise NotApplicable("only fast tokenizers give masks")
    stops = stop_ids(subject, tokenizer)[0]
    rendered(chat, CONVERSATION.messages)
    whole, header = checked(chat, CONVERSATION, stops)
    if not any(whole.mask):
        reason = "the ids contain no answer to mask"
        raise Blocked("chat_templates/template-ids-match-text", reason)
    record.capability("chat.assistant_mask", f"supported, includes {header} of the header" if header else "supported")
    check_truncated(chat, CONVERSATION, whole)
    check_padded(chat, whole)
    check_tools(chat, stops)
    check_outer_white_space(chat, stops)
    check_generated(chat, generated_conversations, stops)


def checked(chat: Chat, conversation: Conversation, stops: Collection[int]) -> tuple[Masked, str]:
    """The mask of a whole conversation, and the token of a header that it covers, which is harmless. Else Defect."""
    __tracebackhide__ = True
    try:
        whole = masked(chat, conversation.messages, tools=conversation.tools)
    except TemplateFails as failure:
        summary = f"A conversation renders, but fails with return_assistant_tokens_mask=True: {failure}."
        raise Defect(summary, evidence=failure_evidence(failure, conversation.messages)) from None
    problem = mask_problem(chat, conversation, whole, stops)
    if problem and not problem.header:
        raise Defect(problem.summary, evidence=problem.evidence)
    return whole, problem.header if problem else ""


def check_tools(chat: Chat, stops: Collection[int]) -> None:
    """Checks conversations with tools: calls belong to the assistant's turns, results do not."""
    __tracebackhide__ = True
    for conversation in WITH_TOOLS if features_of(chat).tools else ():
        if render(chat, conversation) is not None:
            whole, _ = checked(chat, conversation, stops)
            check_truncated(chat, conversation, whole)


def check_generated(chat: Chat, generated_conversations: Generated, stops: Collection[int]) -> None:
    """Checks generated conversations, which contain characters that may be in no token's offsets."""
    __tracebackhide__ = True
    for conversation in generated_conversations(features_of(chat)):
        if render(chat, conversation) is None or not any(each["role"] == "assistant" for each in conversation.messages):
            continue
        problem = mask_problem(chat, conversation, masked(chat, conversation.messages, tools=conversation.tools), stops)
        if problem and not problem.header:
            raise Hazard(
                f"In a generated conversation, {lower_first(problem.summary)}",
                evidence=problem.evidence | {"messages": conversation.messages},
            )


def check_truncated(chat: Chat, conversation: Conversation, whole: Masked) -> None:
    """Raises Hazard if truncation changes the mask of the remaining tokens."""
    __tracebackhide__ = True
    side = chat.tokenizer.truncation_side
    for length in cuts(whole):
        keep = slice(len(whole.ids) - length, None) if side == "left" else slice(length)
        expected = Masked(whole.ids[keep], whole.mask[keep])
        try:
            found = masked(chat, conversation.messages, tools=conversation.tools, truncation=True, max_length=length)
        except TemplateFails as failure:
            raise Refused(f"a conversation cannot be encoded with truncation=True: {failure}") from None
        if found.ids == expected.ids and found.mask != expected.mask:
            raise Hazard(
                f"Truncation on the {side} changes the assistant mask: it covers {sum(found.mask)} tokens, but "
                f"{sum(expected.mask)} tokens of answers remain.",
                evidence={"max_length": length, "expected": expected.mask, "found": found.mask},
                fix="Truncate ids and mask of the whole conversation yourself, or set truncation_side to right.",
            )


def cuts(whole: Masked) -> Iterator[int]:
    """Lengths that end inside the first answer, between answers, and inside the last one."""
    ones = [number for number, bit in enumerate(whole.mask) if bit]
    if not ones or 0 not in whole.mask[ones[0] :]:
        return
    gap = next(number for number, bit in enumerate(whole.mask) if not bit and number > ones[0])
    yield from {ones[0] + 1, gap, ones[-1], len(whole.ids) - ones[0] - 1}


def check_padded(chat: Chat, whole: Masked) -> None:
    """Raises Hazard if padding on either side changes the mask."""
    __tracebackhide__ = True
    if chat.tokenizer.pad_token_id is None:
        return
    short = PLAIN["a question and its answer"]
    for side in ("left", "right"):
        try:
            found = masked_batch(chat, [CONVERSATION.messages, short], tokenizer_kwargs={"padding_side": side})
            alone = masked(chat, short)
        except TemplateFails as failure:
            raise Refused(f"conversations cannot be encoded with padding=True: {failure}") from None
        zeros = [0] * (len(whole.mask) - len(alone.mask))
        expected = [whole.mask, zeros + alone.mask if side == "left" else alone.mask + zeros]
        if [each.mask for each in found] != expected:
            raise Hazard(
                f"Padding on the {side} changes the assistant mask.",
                evidence={"expected": expected, "found": [each.mask for each in found]},
                fix="Pad ids and masks after encoding.",
            )


def check_outer_white_space(chat: Chat, stops: Collection[int]) -> None:
    """Checks answers with outer white space, which may be in no token's offsets."""
    __tracebackhide__ = True
    for how, messages in WITH_OUTER_WHITE_SPACE.items():
        if not chat.accepts(messages):
            continue
        problem = mask_problem(chat, Conversation(messages), masked(chat, messages), stops)
        if problem and not problem.header:
            raise Hazard(
                f"When an answer {how}, {lower_first(problem.summary)}",
                evidence=problem.evidence,
                fix="Strip answers before training on them, or trim content in the template.",
            )


def lower_first(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
