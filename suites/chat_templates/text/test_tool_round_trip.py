from __future__ import annotations

from typing import Any

from fixtures.inputs.tools import (
    ASK,
    CALL,
    CALL_IDS,
    CALL_WITHOUT_ARGUMENTS,
    CITY,
    CLOCK,
    DEGREES,
    OTHER_CITY,
    REPLY,
    RESULT,
    THANKS,
    TWO_CALLS,
    TWO_RESULTS,
    WEATHER,
)
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat, Message, TemplateBreaks, TemplateRejects
from suites.chat_templates import probes_tools
from suites.chat_templates.evidence import failure_evidence, failure_summary, shown
from suites.findings import Defect, Hazard

TOOLS: list[Any] = [WEATHER, CLOCK]


@uses("tools")
def test_tool_round_trip(assistant_chat: Chat) -> None:
    """A template that renders tool calls also renders results, replies and further questions, with their values.

    Why: these are the steps of an agent's loop; a template that fails on one of them ends the loop.
    Fix: Render tool_calls of the assistant and messages of the role tool, and do not count them as turns.
    Source: https://huggingface.co/docs/transformers/chat_extras;
        https://github.com/Blackwellboy/model-serving-minefield (trap 84)
    """
    chat = assistant_chat
    probes_tools.require_calls(chat)
    renders(chat, [ASK, CALL, RESULT], "a tool's result")
    renders(chat, [ASK, CALL, RESULT, REPLY, THANKS], "a question after a tool was used")
    renders(chat, [ASK, CALL, RESULT, CALL, RESULT, REPLY], "a second call after the first result")
    if "get_time" not in renders(chat, [ASK, CALL_WITHOUT_ARGUMENTS], "a call without arguments"):
        raise Defect("A tool call without arguments is not rendered.", evidence={"messages": [CALL_WITHOUT_ARGUMENTS]})
    check_parallel_calls(chat)
    check_question_after_result(chat)


def renders(chat: Chat, messages: list[Message], what: str) -> str:
    __tracebackhide__ = True
    try:
        return chat.render(messages, tools=TOOLS)
    except (TemplateBreaks, TemplateRejects) as failure:
        summary = (
            failure_summary(failure, what)
            if isinstance(failure, TemplateBreaks)
            else f"The template renders tool calls, but refuses {what}: {failure}."
        )
        raise Defect(summary, evidence=failure_evidence(failure, messages)) from None


def check_parallel_calls(chat: Chat) -> None:
    """Raises a finding if parallel calls or their results are lost or out of order."""
    __tracebackhide__ = True
    if chat.once("chat.parallel_tool_calls", probes_tools.parallel_tool_calls)[0] != "supported":
        return
    messages = [ASK, TWO_CALLS, *TWO_RESULTS]
    text = renders(chat, messages, "two results")
    positions = [text.find(str(each["content"])) for each in TWO_RESULTS]
    evidence = {"messages": messages, "render": shown(text)}
    if -1 in positions or positions != sorted(positions) or OTHER_CITY not in text:
        raise Defect(
            "Of two results of tools, one is missing or their order differs from that of the calls.", evidence=evidence
        )
    asked = text.partition(str(ASK["content"]))[2] or text
    if asked.find(OTHER_CITY) < asked.find(CITY):
        raise Defect("Two calls of one message are rendered in another order.", evidence=evidence)
    check_call_ids(text, evidence)


def check_call_ids(text: str, evidence: dict[str, Any]) -> None:
    """Raises Hazard if ids are rendered for calls only or for results only, so that they pair nothing."""
    __tracebackhide__ = True
    calls, results = text.partition(DEGREES)[0], text.partition(OTHER_CITY)[2]
    called = all(each in calls for each in CALL_IDS)
    answered = all(each in results for each in CALL_IDS)
    if called == answered:
        return
    with_id, without = ("calls", "results") if called else ("results", "calls")
    raise Hazard(
        f"Tool {with_id} are rendered with ids, but tool {without} without: the model cannot see which result belongs "
        "to which call.",
        evidence=evidence,
        fix="Write the id with the call and with its result.",
    )


def check_question_after_result(chat: Chat) -> None:
    """Raises a finding if a question directly after a result fails, as in templates that count turns."""
    __tracebackhide__ = True
    messages = [ASK, CALL, RESULT, THANKS]
    try:
        chat.render(messages, tools=TOOLS)
    except TemplateRejects as reason:
        raise Hazard(
            f"The template refuses a question directly after a tool's result: {reason}.",
            evidence=failure_evidence(reason, messages),
            fix="Append a reply of the assistant before the next question.",
        ) from None
    except TemplateBreaks as failure:
        raise Defect(
            failure_summary(failure, "a question after a tool's result"), evidence=failure_evidence(failure, messages)
        ) from None
