"""Probes of message contents: parts, images, reasoning, outer white space, an answer to continue."""

from __future__ import annotations

from typing import Any

from fixtures.inputs.conversations import ANSWER, FOLLOW_UP, QUESTION, assistant, user
from fixtures.inputs.tools import ASK, CALL, RESULT, WEATHER
from fixtures.templates.chat import NEEDLE, Chat
from suites.chat_templates.evidence import shown
from suites.chat_templates.probes import Answer, attempt, needle, reason, yes_no

TOGGLES = ("enable_thinking", "thinking", "enable_reasoning", "reasoning", "think")
"""Names of the switch in published templates."""
PICTURES: tuple[dict[str, Any], ...] = (
    {"type": "image"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
)
SOUNDS: tuple[dict[str, Any], ...] = ({"type": "audio"}, {"type": "input_audio", "input_audio": {"data": "UklGRg=="}})


def trims_content(chat: Chat) -> Answer:
    text, _ = attempt(chat, [user(f"  {NEEDLE}  "), assistant("\n\n  Fine.  "), QUESTION])
    return yes_no(text is not None and f"  {NEEDLE}  " not in text), text and shown(text)


def content_parts(chat: Chat) -> Answer:
    if chat.wants_parts:
        return "required", None
    value, text = needle(chat, [user([{"type": "text", "text": NEEDLE}])])
    return ("printed as a Python list" if "'text':" in str(text) else value), text


def images(chat: Chat) -> Answer:
    return _media(chat, PICTURES)


def audio(chat: Chat) -> Answer:
    return _media(chat, SOUNDS)


def _media(chat: Chat, parts: tuple[dict[str, Any], ...]) -> Answer:
    """supported: a part of this kind adds something to the prompt."""
    words = {"type": "text", "text": NEEDLE}
    alone, failure = attempt(chat, [user([words])])
    if alone is None or "'text':" in alone:
        return failure or "printed as a Python list", alone and shown(alone)
    renders = [attempt(chat, [user([part, words])]) for part in parts]
    for text, _ in renders:
        if text is not None and text != alone and NEEDLE in text:
            return "supported", shown(text)
    return renders[0][1] or "dropped", reason(chat, [user([parts[0], words])])


def reasoning(chat: Chat) -> Answer:
    """Reasoning is kept in earlier turns, removed from them, or not supported at all."""
    thinking = thought("Paris.")
    text = attempt(chat, [QUESTION, thinking, FOLLOW_UP])[0] or ""
    if NEEDLE in text:
        return "kept in earlier turns", shown(text)
    last = attempt(chat, [QUESTION, thinking])[0] or ""
    in_text = attempt(chat, [QUESTION, assistant(f"<think>\n{NEEDLE}\n</think>\n\nParis."), FOLLOW_UP])[0] or NEEDLE
    return ("removed from earlier turns" if NEEDLE in last or NEEDLE not in in_text else "not supported"), shown(last)


def reasoning_before_tool_calls(chat: Chat) -> Answer:
    """Treatment of the reasoning before a tool call, once the tool has answered."""
    thinking = CALL | dict.fromkeys(("reasoning_content", "thinking"), NEEDLE)
    value, text = needle(chat, [ASK, thinking, RESULT], tools=[WEATHER])
    if value == "dropped" and chat.once("chat.reasoning", reasoning)[0] == "not supported":
        value = "not supported"
    return ("kept" if value == "supported" else value), text


def thinking_toggle(chat: Chat) -> Answer:
    """The variable that switches reasoning on or off in the generation prompt, and the behaviour when it is unset."""
    unset = attempt(chat, [QUESTION], add_generation_prompt=True)[0]
    for name in TOGGLES:
        if name not in chat.template:
            continue
        on, off = (attempt(chat, [QUESTION], add_generation_prompt=True, **{name: each})[0] for each in (True, False))
        if on != off:
            default = "on by default" if unset == on else "off by default" if unset == off else "differs when unset"
            return f"{name}: {default}", {"unset": unset, "true": on, "false": off}
    return "not supported", None


def reasoning_effort(chat: Chat) -> Answer:
    """supported: the variable reasoning_effort changes the prompt."""
    low, high = (
        attempt(chat, [QUESTION], add_generation_prompt=True, reasoning_effort=each)[0] for each in ("low", "high")
    )
    return ("supported", {"low": low, "high": high}) if low != high else ("not supported", None)


def continue_final_message(chat: Chat) -> Answer:
    """supported: the prompt ends inside the assistant's answer, so that the model continues it."""
    messages = [QUESTION, ANSWER, FOLLOW_UP, assistant(NEEDLE)]
    text, _ = attempt(chat, messages, continue_final_message=True)
    if text is None:
        return "error", reason(chat, messages, continue_final_message=True)
    return ("supported" if text.endswith(NEEDLE) else "not at the end of the prompt"), shown(text)


def thought(content: str) -> dict[str, Any]:
    """An assistant message with reasoning, under all names that templates read."""
    return assistant(content) | {"reasoning_content": NEEDLE, "thinking": NEEDLE}
