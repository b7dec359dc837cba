from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from fixtures.session.descriptions import NO_TOKENIZER
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat
from suites.chat_templates import probes, probes_content, probes_tools
from suites.chat_templates.probes import Answer, yes_no
from suites.findings import Record

NAMES: dict[ModuleType, tuple[str, ...]] = {
    probes: (
        *("system_role", "developer_role", "late_system_message", "unknown_role", "default_system_prompt"),
        "date_in_prompt",
        *("alternation", "consecutive_users", "consecutive_assistants", "assistant_first", "empty_conversation"),
        "generation_tag",
    ),
    probes_tools: (
        *("tools", "tool_calls", "parallel_tool_calls", "tool_results", "tool_call_ids", "json_string_arguments"),
        *("content_with_tool_calls", "null_content", "documents"),
    ),
    probes_content: (
        *("trims_content", "content_parts", "images", "audio", "reasoning", "reasoning_before_tool_calls"),
        *("thinking_toggle", "reasoning_effort", "continue_final_message"),
    ),
}
PROBES: dict[str, Callable[[Chat], Answer]] = {
    f"chat.{name}": getattr(module, name) for module, names in NAMES.items() for name in names
}
"""Probes by capability; both have the same name."""


@uses("chat", worst="nothing")
def test_capabilities(chat: Chat, record: Record) -> None:
    """Features that the template supports, merges, refuses or drops are recorded, with the render that shows it.

    Why: an application that needs a system message or tools must know before deployment that they are dropped.
    Fix: Nothing is wrong; require a capability in the manifest if an application depends on it.
    Source: https://huggingface.co/docs/transformers/chat_templating
    """
    evidence = None if chat.has_tokenizer else NO_TOKENIZER
    record.capability("chat.has_tokenizer", yes_no(chat.has_tokenizer), evidence=evidence)
    record.capability("chat.kind", chat.kind.name, evidence=chat.kind.evidence)
    record.capability("chat.needs", ", ".join(chat.kind.needs) or "nothing", evidence=dict(chat.kind.needs) or None)
    for name, probe in PROBES.items():
        value, evidence = chat.once(name, probe)
        record.capability(name, value, evidence=evidence)
