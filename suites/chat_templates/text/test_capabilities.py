from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from fixtures.session.session import NO_TOKENIZER
from fixtures.templates.chat import Chat
from suites.chat_templates import probes, probes_content, probes_tools
from suites.chat_templates.probes import Answer
from suites.findings import Record

NAMES: dict[ModuleType, tuple[str, ...]] = {
    probes: (
        *("system_role", "developer_role", "late_system", "unknown_role", "default_system_prompt", "date_stamp"),
        *("alternation", "consecutive_users", "consecutive_assistants", "assistant_first", "empty_conversation"),
        "generation_mask",
    ),
    probes_tools: (
        *("tools", "tool_calls", "parallel_tool_calls", "tool_results", "tool_call_ids", "arguments_as_text"),
        *("content_beside_calls", "null_content", "documents"),
    ),
    probes_content: (
        *("trims_content", "content_parts", "images", "audio", "reasoning", "reasoning_between_calls"),
        *("thinking_toggle", "reasoning_effort", "continue_final_message"),
    ),
}
PROBES: dict[str, Callable[[Chat], Answer]] = {
    f"chat.{name}": getattr(module, name) for module, names in NAMES.items() for name in names
}
"""What is probed; the name of a probe is the name of its capability."""


def test_capabilities(chat: Chat, record: Record) -> None:
    """What the template supports, merges, refuses or drops is found out and recorded, with the render that shows it.

    Why: an application that needs a system message or tools must know before it is deployed that they are dropped.
    Fix: Nothing is wrong; require a capability in the manifest where an application depends on it.
    Source: https://huggingface.co/docs/transformers/chat_templating
    """
    record.capability("chat.tokenizer", chat.has_tokenizer, evidence=None if chat.has_tokenizer else NO_TOKENIZER)
    for name, probe in PROBES.items():
        value, evidence = chat.once(name, probe)
        record.capability(name, value, evidence=evidence)
