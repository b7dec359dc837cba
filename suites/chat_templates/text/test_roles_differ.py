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
    """The same words in the mouth of another role render differently.

    Why: a model that cannot tell the user's words from its own, or a tool's output from the user, answers itself, and
        obeys instructions that stand in a fetched page.
    Fix: Write a role's header before what it says, or markers around it.
    Source: https://huggingface.co/docs/transformers/chat_templating (messages have a role)
    """
    rendered(chat, [QUESTION])
    around = {role: frame for role, messages in speakers(chat) if (frame := frame_of(chat, messages))}
    for one, other in combinations(around, 2):
        if around[one] != around[other]:
            continue
        evidence = {role: shown(NEEDLE.join(around[role])) for role in (one, other)}
        kind = Defect if {one, other} == {"the user", "the assistant"} else Hazard
        raise kind(f"What {one} says is rendered exactly like what {other} says.", evidence=evidence)
    thoughts_apart(chat)


def thoughts_apart(chat: Chat) -> None:
    """Between what the assistant thinks and what it says stands a marker, not white space alone."""
    __tracebackhide__ = True
    thinking = thought("Paris.")
    text, _ = attempt(chat, [QUESTION, thinking])
    between = (text or "").partition(NEEDLE)[2].partition("Paris.")
    if between[1] and not between[0].strip():
        raise Defect("What the assistant thinks runs into what it says, no marker stands between.",
                     evidence={"messages": [QUESTION, thinking], "render": shown(text or "")})  # fmt: skip


def speakers(chat: Chat) -> Iterator[tuple[str, list[Message]]]:
    """A conversation for each role, with the needle in that role's last message."""
    yield "the user", [QUESTION, assistant("Fine."), user(NEEDLE), assistant("Good.")]
    yield "the assistant", [QUESTION, assistant("Fine."), FOLLOW_UP, assistant(NEEDLE), user("Good.")]
    if probes_tools.shows_calls(chat):
        yield "a tool", [ASK, CALL, {"role": "tool", "name": "get_weather", "content": NEEDLE,
                                     "tool_call_id": "call12345"}, assistant("Good.")]  # fmt: skip


def frame_of(chat: Chat, messages: list[Message]) -> tuple[str, str] | None:
    """What stands right before and after the needle, up to the words of others."""
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
