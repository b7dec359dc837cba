from __future__ import annotations

from fixtures.inputs.conversation_strategy import Conversation
from fixtures.inputs.conversations import QUESTION, assistant
from fixtures.templates.chat import NEEDLE, Chat, Message
from suites.chat_templates.evidence import common_prefix, rendered, shown
from suites.chat_templates.generated_conversations import Generated, render, renders
from suites.findings import Defect, Hazard, Unsupported

LAST = {"user": "a user's message", "tool": "a tool's result", "system": "a system message"}


def test_generation_prompt(chat: Chat, generated_conversations: Generated) -> None:
    """add_generation_prompt appends what stands before the assistant's content in a finished turn, and nothing else.

    Why: without the header the model goes on with the user's turn; with another one it starts from a text that it
        has never seen.
    Fix: End the template with {% if add_generation_prompt %}, then the header exactly as the assistant's turns have it.
    Source: https://huggingface.co/docs/transformers/chat_templating#add_generation_prompt
    """
    question, prompt = rendered(chat, [QUESTION]), rendered(chat, [QUESTION], add_generation_prompt=True)
    whole = rendered(chat, [QUESTION, assistant(NEEDLE)])
    before, found, after = whole.partition(NEEDLE)
    if not found:
        raise Unsupported("the template does not show the assistant's content")
    header = before[len(common_prefix(question, before)) :]
    evidence = {"without": shown(question), "with": shown(prompt), "finished turn": shown(whole)}
    only_appends(chat, question, prompt, [QUESTION])
    if prompt == question and header.strip() and not question.endswith(header):
        raise Defect(f"add_generation_prompt changes nothing, although an assistant's turn starts with {header!r}.",
                     evidence=evidence)  # fmt: skip
    if not continues(prompt, before):
        raise Defect(f"The generation prompt {prompt[len(question) :]!r} is not how an assistant's turn starts, "
                     f"which is {header!r}.", evidence=evidence)  # fmt: skip
    if prompt == question and opens_always(chat, question.partition(str(QUESTION["content"]))[2], after):
        raise Hazard(f"add_generation_prompt=False is ignored: {after!r} follows a finished answer too, and training "
                     "on it teaches empty turns.", evidence=evidence)  # fmt: skip
    in_generated_ones(chat, generated_conversations)


def only_appends(chat: Chat, without: str, prompt: str, messages: list[Message]) -> None:
    """Phi-3 closes with its end-of-sequence token what is not a prompt; that is no part of the conversation."""
    __tracebackhide__ = True
    if not prompt.startswith(without.removesuffix(chat.tokenizer.eos_token or "")):
        raise Hazard("add_generation_prompt changes the conversation before it instead of appending to it.",
                     evidence={"messages": messages, "without": shown(without), "with": shown(prompt)})  # fmt: skip


def in_generated_ones(chat: Chat, generated_conversations: Generated) -> None:
    """Wherever the assistant is to speak: after questions and after results of tools."""
    __tracebackhide__ = True
    for conversation, text in renders(chat, generated_conversations):
        if conversation.messages[-1]["role"] == "assistant":
            continue
        if (prompt := render(chat, conversation, add_generation_prompt=True)) is not None:
            only_appends(chat, text, prompt, conversation.messages)
            appends(chat, conversation, text, prompt)


def appends(chat: Chat, conversation: Conversation, without: str, prompt: str) -> None:
    """Where the prompt for a plain question has a header, so has each that is followed by a turn with this header.

    Some families go on in the same turn after a tool's result, and write no header there in the history either.
    """
    __tracebackhide__ = True
    question, asked = (chat.render([QUESTION], add_generation_prompt=opens) for opens in (False, True))
    header = asked.removeprefix(question).strip()
    if prompt != without or not header or header == asked.strip():
        return
    answered = render(chat, Conversation([*conversation.messages, assistant(NEEDLE)], conversation.tools)) or ""
    if answered.startswith(without) and header in answered[len(without) :].partition(NEEDLE)[0]:
        last = conversation.messages[-1]["role"]
        raise Defect(f"add_generation_prompt changes nothing after {LAST[last]} in some conversations, although the "
                     f"assistant's turn starts with {header!r} there.",
                     evidence={"messages": conversation.messages, "with": prompt,
                               "answered": shown(answered)})  # fmt: skip


def continues(prompt: str, before: str) -> bool:
    """Whether the prompt leads into a finished turn: a prefix of it, or longer by a prefilled thought."""
    return before.startswith(prompt.rstrip()) or prompt.startswith(before.rstrip())


def opens_always(chat: Chat, after_user: str, after_assistant: str) -> bool:
    """Whether a conversation ends in an assistant's header whoever spoke last; the next user's turn has another."""
    header = after_assistant.rstrip()
    return bool(
        header
        and after_user == after_assistant
        and chat.before_next_user
        and not chat.before_next_user.startswith(header)
    )
