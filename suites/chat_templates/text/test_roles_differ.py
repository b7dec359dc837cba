from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from fixtures.inputs.conversations import FOLLOW_UP, QUESTION, assistant, system, user
from fixtures.inputs.tools import ASK, CALL, WEATHER
from fixtures.session.uses import uses
from fixtures.templates.chat import NEEDLE, Chat, Message
from suites.chat_templates import probes_tools
from suites.chat_templates.evidence import rendered, shown
from suites.chat_templates.generated_conversations import features_of
from suites.chat_templates.probes import attempt
from suites.chat_templates.probes_content import thought
from suites.findings import Defect, Finding, Hazard, Record, raise_findings


@uses("chat", "system", "tools", "reasoning")
def test_roles_differ(assistant_chat: Chat, record: Record) -> None:
    """Messages of different roles with the same content render differently.

    Why: a model that cannot distinguish the user's words from its own, or from a tool's output, answers itself and
        follows instructions in a fetched page.
    Fix: Write a header of the role before each message, or markers around it.
    Source: https://huggingface.co/docs/transformers/chat_templating (messages have a role)
    """
    chat, features = assistant_chat, features_of(assistant_chat)
    rendered(chat, [QUESTION])
    has = {"system": features.system, "tools": features.tools, "reasoning": features.reasoning}
    record.tested("chat", *(use for use, there in has.items() if there))
    raise_findings([*alike(chat), *system_as_user(chat), *thought_in_answer(chat)])


def alike(chat: Chat) -> Iterator[Finding]:
    """A finding for each pair of roles with the same text around their messages."""
    around = {role: frame for role, messages in speakers(chat) if (frame := frame_of(chat, messages))}
    for one, other in combinations(around, 2):
        if around[one] == around[other]:
            plain = {one, other} == {"the user", "the assistant"}
            yield (Defect if plain else Hazard)(
                f"A message of {one} is rendered exactly like a message of {other}.",
                evidence={role: shown(NEEDLE.join(around[role])) for role in (one, other)},
                uses=("chat",) if plain else ("tools",),
            )


def system_as_user(chat: Chat) -> Iterator[Defect]:
    """A defect if a system message is a turn of the user's; one that is merged into the user's turn is no such turn."""
    texts = [attempt(chat, [message, QUESTION])[0] for message in (system(NEEDLE), user(NEEDLE))]
    if texts[0] is not None and NEEDLE in texts[0] and texts[0] == texts[1]:
        yield Defect(
            "A system message is rendered exactly like a message of the user, in a turn of its own.",
            evidence={"messages": [system(NEEDLE), QUESTION], "render": shown(texts[0])},
            fix="Write the system message under a header of its own, or refuse it with raise_exception.",
            uses=("system",),
        )


def thought_in_answer(chat: Chat) -> Iterator[Defect]:
    """A defect if only white space separates reasoning from the answer."""
    thinking = thought("Paris.")
    text, _ = attempt(chat, [QUESTION, thinking])
    between = (text or "").partition(NEEDLE)[2].partition("Paris.")
    if between[1] and not between[0].strip():
        yield Defect(
            "The reasoning of the assistant runs into its answer: there is no marker between them.",
            evidence={"messages": [QUESTION, thinking], "render": shown(text or "")},
            uses=("reasoning",),
        )


def speakers(chat: Chat) -> Iterator[tuple[str, list[Message]]]:
    """A conversation for each role, with the needle in the last message of this role."""
    yield "the user", [QUESTION, assistant("Fine."), user(NEEDLE), assistant("Good.")]
    yield "the assistant", [QUESTION, assistant("Fine."), FOLLOW_UP, assistant(NEEDLE), user("Good.")]
    if probes_tools.shows_calls(chat):
        yield (
            "a tool",
            [
                ASK,
                CALL,
                {"role": "tool", "name": "get_weather", "content": NEEDLE, "tool_call_id": "call12345"},
                assistant("Good."),
            ],
        )


def frame_of(chat: Chat, messages: list[Message]) -> tuple[str, str] | None:
    """The text before and after the needle, up to the contents of other messages."""
    tools = [WEATHER] if any("tool_calls" in message for message in messages) else None
    text, _ = attempt(chat, messages, tools=tools)
    before, found, after = (text or "").partition(NEEDLE)
    if not found:
        return None
    for message in messages:
        content = str(message["content"])
        if content and content != NEEDLE:
            before, after = before.rpartition(content)[2], after.partition(content)[0]
    return before, after
