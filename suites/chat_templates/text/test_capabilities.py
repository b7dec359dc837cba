"""Promise: what the template can do is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fixtures.subjects.chat import Chat
from fixtures.trial import NO_TOKENIZER
from suites.chat_templates import probes

PROBES: dict[str, Callable[[Chat], tuple[str | bool, Any]]] = {
    "chat.system_role": probes.system_role,
    "chat.default_system_prompt": probes.default_system_prompt,
    "chat.tools": probes.tools,
    "chat.tool_calls": probes.tool_calls,
    "chat.tool_results": probes.tool_results,
    "chat.alternation": probes.alternation,
    "chat.trims_content": probes.trims_content,
    "chat.reasoning": probes.reasoning,
    "chat.content_parts": probes.content_parts,
    "chat.user_control_tokens": probes.user_control_tokens,
    "chat.generation_mask": probes.generation_mask,
}


def test_capabilities(chat: Chat, record: Any) -> None:
    """What the template supports, merges, refuses or drops is found out and recorded.

    Why: an application that needs a system message or tools must know before it is deployed that they are dropped.
    Fix: Nothing is wrong; require a capability in the manifest where an application depends on it.
    Source: https://huggingface.co/docs/transformers/chat_templating
    """
    record.capability("chat.tokenizer", chat.has_ids, evidence=None if chat.has_ids else NO_TOKENIZER)
    for name, probe in PROBES.items():
        value, evidence = probe(chat)
        record.capability(name, value, evidence=evidence)
