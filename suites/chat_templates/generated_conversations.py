"""Generated conversations with the features that a template supports, and their renders."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fixtures.inputs.conversation_strategy import Conversation, Features
from fixtures.inputs.generated_conversations import shrink
from fixtures.templates.chat import Chat, TemplateFails
from suites.chat_templates import probes, probes_content, probes_tools

Generated = Callable[[Features], tuple[Conversation, ...]]


def features_of(chat: Chat) -> Features:
    """Features that generated conversations may have, by the probed capabilities of the template."""
    return chat.once("features", _features)


def _features(chat: Chat) -> Features:
    uses_tools = probes_tools.shows_calls(chat) and _is(chat, probes_tools.tool_results, "supported")
    return Features(
        system=_is(chat, probes.system_role, "supported", "merged into the user message"),
        consecutive_user=_is(chat, probes.alternation, "not required"),
        tools=uses_tools,
        parallel=uses_tools and _is(chat, probes_tools.parallel_tool_calls, "supported"),
        reasoning=not _is(chat, probes_content.reasoning, "not supported"),
    )


def _is(chat: Chat, probe: Callable[[Chat], probes.Answer], *values: str) -> bool:
    return chat.once(f"chat.{probe.__name__}", probe)[0] in values


def renders(chat: Chat, generated_conversations: Generated) -> Iterator[tuple[Conversation, str]]:
    """Each generated conversation that renders, with its render; `renders` reports the others."""
    for conversation in generated_conversations(features_of(chat)):
        if (text := render(chat, conversation)) is not None:
            yield conversation, text


def render(chat: Chat, conversation: Conversation, *, add_generation_prompt: bool = False) -> str | None:
    """The render, or None if the template fails."""
    try:
        return chat.render(conversation.messages, tools=conversation.tools, add_generation_prompt=add_generation_prompt)
    except TemplateFails:
        return None


def simplest(
    chat: Chat, conversation: Conversation, wrong: Callable[[Conversation, str], bool]
) -> tuple[Conversation, str]:
    """The smallest conversation found whose render is also wrong, and this render."""

    def fails(each: Conversation) -> bool:
        text = render(chat, each)
        return text is not None and wrong(each, text)

    found = shrink(conversation, fails)
    return found, render(chat, found) or ""
