from __future__ import annotations

from collections.abc import Iterator, Sequence

from fixtures.inputs.conversation_strategy import Conversation
from fixtures.inputs.conversations import FOLLOW_UP, QUESTION, assistant
from fixtures.session.uses import uses
from fixtures.templates.chat import NEEDLE, Chat, Message
from suites.chat_templates import probes
from suites.chat_templates.affected import uses_of
from suites.chat_templates.by_use import of_plainest_uses
from suites.chat_templates.evidence import common_prefix, rendered, shown
from suites.chat_templates.generated_conversations import Generated, features_of, render, renders
from suites.chat_templates.probes_content import thought
from suites.chat_templates.text import headers
from suites.findings import Blocked, Defect, Finding, Hazard, Record, raise_findings

LAST = {"user": "a user's message", "tool": "a tool's result", "system": "a system message"}
HISTORY = ("training", "serving")
"""Uses of finished and earlier answers, which a first prompt does not have."""


@uses("chat", "system", "tools", "reasoning", "training", "serving")
def test_generation_prompt(assistant_chat: Chat, generated_conversations: Generated, record: Record) -> None:
    """add_generation_prompt appends the header of an assistant's turn, and nothing else.

    Why: without the header the model continues the user's turn; with another one it starts from a text that it was not
        trained on.
    Fix: End the template with {% if add_generation_prompt %} and exactly the header of the assistant's turns.
    Source: https://huggingface.co/docs/transformers/chat_templating#add_generation_prompt
    """
    chat, features = assistant_chat, features_of(assistant_chat)
    rendered(chat, [QUESTION])
    has = {"system": features.system, "tools": features.tools, "reasoning": features.reasoning}
    record.tested("chat", *HISTORY, *(use for use, there in has.items() if there))
    found = [*after_question(chat), *after_generated(chat, generated_conversations)]
    raise_findings(of_plainest_uses(found))


def after_question(chat: Chat) -> Iterator[Finding]:
    """Compares the prompt after a question with the same conversation, finished."""
    question, prompt = rendered(chat, [QUESTION]), rendered(chat, [QUESTION], add_generation_prompt=True)
    whole = rendered(chat, [QUESTION, assistant(NEEDLE)])
    before, found, after = whole.partition(NEEDLE)
    if not found:
        raise Blocked("chat_templates/content-verbatim", "the template does not render the assistant's content")
    evidence = {"without": shown(question), "with": shown(prompt), "finished turn": shown(whole)}
    yield from only_appends(chat, question, prompt, [QUESTION])
    dangling = headers.dangling(chat, _end(question), after) if prompt == question else ""
    if dangling:
        yield Defect(
            f"add_generation_prompt=False is ignored: {dangling!r} also follows a finished answer, so training on such "
            "conversations teaches empty turns.",
            evidence=evidence,
            uses=("training",),
        )
    header = before[headers.boundary(before, len(common_prefix(question, before))) :]
    if prompt == question and not dangling and header.strip() and not question.endswith(header):
        summary = f"add_generation_prompt appends nothing, although an assistant's turn starts with {header!r}."
        yield Defect(summary, evidence=evidence, uses=("chat",))
    elif not dangling or headers.WORD.search(headers.MARKER.sub("", dangling + header)):
        yield from unlike_history(chat, question, prompt, before)


def unlike_history(chat: Chat, question: str, prompt: str, before: str) -> Iterator[Defect]:
    """A defect if the prompt does not lead into an assistant's turn of the history, with or without a thought."""
    earlier = (probes.attempt(chat, [QUESTION, assistant(NEEDLE), FOLLOW_UP])[0] or "").partition(NEEDLE)
    asked = f"The generation prompt ends in {_end(prompt)!r}"
    history = next(unlike_prompt(question, prompt, [before, *(earlier[:1] if earlier[1] else ())]), None)
    if history is not None:
        summary = f"{asked}, but the assistant's turns in the history start with {_end(history)!r}."
        yield Defect(summary, evidence={"with": shown(prompt), "history": shown(history)}, uses=HISTORY)
    elif not any(headers.leads_into(prompt, each) for each in (before, *before_thoughts(chat))):
        prompted, turn = headers.after_common_part(prompt, before)
        summary = f"{asked}: it has {prompted!r} where an assistant's turn starts with {turn!r}."
        yield Defect(summary, evidence={"with": shown(prompt), "turn": shown(before)}, uses=affected(prompted, turn))


def unlike_prompt(question: str, prompt: str, turns: Sequence[str]) -> Iterator[str]:
    """Beginnings of turns that lack the prompt's header, or end in other white space."""
    for turn in turns:
        if headers.lacks_header(question, prompt, turn) or not headers.same_white_space(prompt, turn):
            yield turn


def affected(prompt: str, turn: str) -> tuple[str, ...]:
    """Uses of a difference: only thoughts differ, only the history has more white space, or the prompt is wrong."""
    if headers.is_thought(prompt) and headers.is_thought(turn):
        return ("reasoning",)
    if prompt.strip() == turn.strip() and len(turn) > len(prompt):
        return HISTORY
    return ("chat",)


def before_thoughts(chat: Chat) -> Iterator[str]:
    """What stands before the thought of a finished turn."""
    for message in (thought("Paris."), assistant(f"<think>\n{NEEDLE}\n</think>\n\nParis.")):
        text, _ = probes.attempt(chat, [QUESTION, message])
        if text is not None and NEEDLE in text:
            yield text.partition(NEEDLE)[0]


def _end(text: str) -> str:
    return text.rpartition(str(QUESTION["content"]))[2]


def only_appends(
    chat: Chat, without: str, prompt: str, messages: list[Message], tools: object = None
) -> Iterator[Hazard]:
    """A hazard if the prompt does not begin with the conversation; Phi-3's final end token may be missing."""
    if not prompt.startswith(without.removesuffix(chat.tokenizer.eos_token or "")):
        yield Hazard(
            "add_generation_prompt changes the conversation before it instead of appending to it.",
            evidence={"messages": messages, "without": shown(without), "with": shown(prompt)},
            uses=uses_of(messages, tools),
        )


def after_generated(chat: Chat, generated_conversations: Generated) -> list[Finding]:
    """Findings in generated conversations that the assistant continues, after questions and results of tools."""
    found: list[Finding] = []
    for conversation, text in renders(chat, generated_conversations):
        if conversation.messages[-1]["role"] == "assistant":
            continue
        if (prompt := render(chat, conversation, add_generation_prompt=True)) is not None:
            found += only_appends(chat, text, prompt, conversation.messages, conversation.tools)
            found += without_header(chat, conversation, text, prompt)
    return found


def without_header(chat: Chat, conversation: Conversation, without: str, prompt: str) -> Iterator[Defect]:
    """A defect if the prompt lacks a header that plain questions get and that the next turn has.

    Some families continue the same turn after a tool's result, without a header there.
    """
    question, asked = (chat.render([QUESTION], add_generation_prompt=opens) for opens in (False, True))
    header = asked.removeprefix(question).strip()
    if prompt != without or not header or header == asked.strip():
        return
    answered = render(chat, Conversation([*conversation.messages, assistant(NEEDLE)], conversation.tools)) or ""
    if answered.startswith(without) and header in answered[len(without) :].partition(NEEDLE)[0]:
        last = conversation.messages[-1]["role"]
        yield Defect(
            f"add_generation_prompt appends nothing after {LAST[last]} in some conversations, although the assistant's "
            f"turn starts with {header!r} there.",
            evidence={"messages": conversation.messages, "with": prompt, "answered": shown(answered)},
            uses=("tools",) if last == "tool" else uses_of(conversation.messages, conversation.tools),
        )
