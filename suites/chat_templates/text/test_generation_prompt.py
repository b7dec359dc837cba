from __future__ import annotations

from fixtures.inputs.conversation_strategy import Conversation
from fixtures.inputs.conversations import QUESTION, assistant
from fixtures.templates.chat import NEEDLE, Chat, Message
from suites.chat_templates.evidence import common_prefix, rendered, shown
from suites.chat_templates.generated_conversations import Generated, render, renders
from suites.findings import Defect, Hazard, Unsupported

LAST = {"user": "a user's message", "tool": "a tool's result", "system": "a system message"}


def test_generation_prompt(chat: Chat, generated_conversations: Generated) -> None:
    """add_generation_prompt appends the header of an assistant's turn, and nothing else.

    Why: without the header the model continues the user's turn; with another one it starts from a text that it was not
        trained on.
    Fix: End the template with {% if add_generation_prompt %} and exactly the header of the assistant's turns.
    Source: https://huggingface.co/docs/transformers/chat_templating#add_generation_prompt
    """
    question, prompt = rendered(chat, [QUESTION]), rendered(chat, [QUESTION], add_generation_prompt=True)
    whole = rendered(chat, [QUESTION, assistant(NEEDLE)])
    before, found, after = whole.partition(NEEDLE)
    if not found:
        raise Unsupported("the template does not render the assistant's content: add it to the template")
    header = before[len(common_prefix(question, before)) :]
    evidence = {"without": shown(question), "with": shown(prompt), "finished turn": shown(whole)}
    only_appends(chat, question, prompt, [QUESTION])
    if prompt == question and header.strip() and not question.endswith(header):
        summary = f"add_generation_prompt appends nothing, although an assistant's turn starts with {header!r}."
        raise Defect(summary, evidence=evidence)
    if not continues(prompt, before):
        summary = (
            f"The generation prompt is {prompt[len(question) :]!r}, but an assistant's turn starts with {header!r}."
        )
        raise Defect(summary, evidence=evidence)
    if prompt == question and opens_always(chat, question.partition(str(QUESTION["content"]))[2], after):
        summary = (
            f"add_generation_prompt=False is ignored: {after!r} also follows a finished answer, so training on such "
            "conversations teaches empty turns."
        )
        raise Hazard(summary, evidence=evidence)
    check_generated(chat, generated_conversations)


def only_appends(chat: Chat, without: str, prompt: str, messages: list[Message]) -> None:
    """Raises Hazard if the prompt does not begin with the conversation; Phi-3's final end token may be missing."""
    __tracebackhide__ = True
    if not prompt.startswith(without.removesuffix(chat.tokenizer.eos_token or "")):
        raise Hazard(
            "add_generation_prompt changes the conversation before it instead of appending to it.",
            evidence={"messages": messages, "without": shown(without), "with": shown(prompt)},
        )


def check_generated(chat: Chat, generated_conversations: Generated) -> None:
    """Checks generated conversations that the assistant continues, after questions and results of tools."""
    __tracebackhide__ = True
    for conversation, text in renders(chat, generated_conversations):
        if conversation.messages[-1]["role"] == "assistant":
            continue
        if (prompt := render(chat, conversation, add_generation_prompt=True)) is not None:
            only_appends(chat, text, prompt, conversation.messages)
            check_header(chat, conversation, text, prompt)


def check_header(chat: Chat, conversation: Conversation, without: str, prompt: str) -> None:
    """Raises Defect if the prompt lacks a header that plain questions get and that the next turn has.

    Some families continue the same turn after a tool's result, without a header there.
    """
    __tracebackhide__ = True
    question, asked = (chat.render([QUESTION], add_generation_prompt=opens) for opens in (False, True))
    header = asked.removeprefix(question).strip()
    if prompt != without or not header or header == asked.strip():
        return
    answered = render(chat, Conversation([*conversation.messages, assistant(NEEDLE)], conversation.tools)) or ""
    if answered.startswith(without) and header in answered[len(without) :].partition(NEEDLE)[0]:
        last = conversation.messages[-1]["role"]
        raise Defect(
            f"add_generation_prompt appends nothing after {LAST[last]} in some conversations, although the assistant's "
            f"turn starts with {header!r} there.",
            evidence={"messages": conversation.messages, "with": prompt, "answered": shown(answered)},
        )


def continues(prompt: str, before: str) -> bool:
    """True if a finished turn begins with the prompt; the prompt may add prefilled reasoning."""
    return before.startswith(prompt.rstrip()) or prompt.startswith(before.rstrip())


def opens_always(chat: Chat, after_user: str, after_assistant: str) -> bool:
    """True if a conversation ends with an assistant's header whoever spoke last, unlike before a user's turn."""
    header = after_assistant.rstrip()
    return bool(
        header
        and after_user == after_assistant
        and chat.before_next_user
        and not chat.before_next_user.startswith(header)
    )
