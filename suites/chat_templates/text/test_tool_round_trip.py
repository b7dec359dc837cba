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
)  # fmt: skip
from fixtures.templates.chat import Chat, Message, TemplateBreaks, TemplateRejects
from suites.chat_templates import probes_tools
from suites.chat_templates.evidence import failure_evidence, failure_summary, shown
from suites.findings import Defect, Hazard

TOOLS: list[Any] = [WEATHER, CLOCK]


def test_tool_round_trip(chat: Chat) -> None:
    """Where tool calls are shown, a call, its result, the reply and a further question render with their values.

    Why: an agent's loop is made of these; a template that stops in the middle of it breaks the agent.
    Fix: Render tool_calls of the assistant and messages of the role tool, and leave both out where turns are counted.
    Source: https://huggingface.co/docs/transformers/chat_extras;
        https://github.com/Blackwellboy/model-serving-minefield (trap 84)
    """
    if not probes_tools.shows_calls(chat):
        return  # told by `capabilities` and `nothing-lost`
    renders(chat, [ASK, CALL, RESULT], "a tool's result")
    renders(chat, [ASK, CALL, RESULT, REPLY, THANKS], "a question after a tool was used")
    renders(chat, [ASK, CALL, RESULT, CALL, RESULT, REPLY], "a second call after the first result")
    if "get_time" not in renders(chat, [ASK, CALL_WITHOUT_ARGUMENTS], "a call without arguments"):
        raise Defect("A tool call without arguments is not rendered.", evidence={"messages": [CALL_WITHOUT_ARGUMENTS]})
    parallel_results(chat)
    question_after_result(chat)


def renders(chat: Chat, messages: list[Message], what: str) -> str:
    __tracebackhide__ = True
    try:
        return chat.render(messages, tools=TOOLS)
    except (TemplateBreaks, TemplateRejects) as failure:
        summary = (
            failure_summary(failure, what)
            if isinstance(failure, TemplateBreaks)
            else f"The template takes tool calls, and refuses {what}: {failure}."
        )
        raise Defect(summary, evidence=failure_evidence(failure, messages)) from None


def parallel_results(chat: Chat) -> None:
    """Where two calls are shown, so are both results, in the order of the calls, which is that of the message."""
    __tracebackhide__ = True
    if chat.once("chat.parallel_tool_calls", probes_tools.parallel_tool_calls)[0] != "supported":
        return
    messages = [ASK, TWO_CALLS, *TWO_RESULTS]
    text = renders(chat, messages, "two results")
    places = [text.find(str(each["content"])) for each in TWO_RESULTS]
    if -1 in places or places != sorted(places) or OTHER_CITY not in text:
        raise Defect("Of two results of tools, one is missing or they stand in another order than the calls.",
                     evidence={"messages": messages, "render": shown(text)})  # fmt: skip
    asked = text.partition(str(ASK["content"]))[2] or text
    if asked.find(OTHER_CITY) < asked.find(CITY):
        raise Defect("Two calls of one message are rendered in another order.",
                     evidence={"messages": messages, "render": shown(text)})  # fmt: skip
    results_name_their_call(chat, messages, text)


def results_name_their_call(chat: Chat, messages: list[Message], text: str) -> None:
    """Ids are there to pair calls and results: a template shows them on both sides, or on none."""
    __tracebackhide__ = True
    calls, results = text.partition(DEGREES)[0], text.partition(OTHER_CITY)[2]
    called = all(each in calls for each in CALL_IDS)
    answered = all(each in results for each in CALL_IDS)
    if called == answered:
        return
    with_id, without = ("calls", "results") if called else ("results", "calls")
    raise Hazard(f"The {with_id} of tools are rendered with their ids and the {without} without: the model cannot tell "
                 "which result belongs to which call.",
                 evidence={"messages": messages, "render": shown(text)},
                 remedy="Write the id beside the call and beside its result.")  # fmt: skip


def question_after_result(chat: Chat) -> None:
    """The user may speak before the model has commented on a result; some templates count turns and refuse."""
    __tracebackhide__ = True
    messages = [ASK, CALL, RESULT, THANKS]
    try:
        chat.render(messages, tools=TOOLS)
    except TemplateRejects as reason:
        raise Hazard(f"A question that follows a tool's result directly is refused: {reason}.",
                     evidence=failure_evidence(reason, messages),
                     remedy="Append the model's reply before the next question.") from None  # fmt: skip
    except TemplateBreaks as failure:
        raise Defect(
            failure_summary(failure, "a question after a tool's result"), evidence=failure_evidence(failure, messages)
        ) from None
