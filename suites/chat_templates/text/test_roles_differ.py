from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from fixtures.inputs.conversations import FOLLOW_UP, QUESTION, assistant, user
from fixtures.inputs.tools import ASK, CALL, WEATHER
from fixtures.templates.chat import NEEDLE, Chat, Message
from suites.chat_templates import probes_tools
from suites.chat_templates.evidence import rendered, shown
from suites.chat_templates.probes import attempt
from suites.chat_templates.probes_content import thought
from suites.findings import Defect, Hazard


def test_roles_differ(chat: Chat) -> None:
    """Messages of different roles with the same content render differently.

    Why: a model that cannot distinguish the user's words from its own, or from a tool's output, answers itself and
        follows instructions in a fetched page.
    Fix: Write a header of the role before each message, or markers around it.
    Source: https://huggingface.co/docs/transformers/chat_templating (messages have a role)
    """
    rendered(chat, [QUESTION])
    around = {role: frame for role, messages in speakers(chat) if (frame := frame_of(chat, messages))}
    for one, other in combinations(around, 2):
        if around[one] != around[other]:
            continue
        evidence = {role: shown(NEEDLE.join(around[role])) for role in (one, other)}
        kind = Defect if {one, other} == {"the user", "the assistant"} else Hazard
        raise kind(f"A message of {one} is rendered exactly like a message of {other}.", evidence=evidence)
    check_reasoning(chat)


def check_reasoning(chat: Chat) -> None:
    """Raises Defect if only white space separates reasoning from the answer."""
    __tracebackhide__ = True
    thinking = thought("Paris.")
    text, _ = attempt(chat, [QUESTION, thinking])
    between = (text or "").partition(NEEDLE)[2].partition("Paris.")
    if between[1] and not between[0].strip():
        raise Defect(
            "The reasoning of the assistant runs into its answer: there is no marker between them.",
            evidence={"messages": [QUESTION, thinking], "render": shown(text or "")},
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
