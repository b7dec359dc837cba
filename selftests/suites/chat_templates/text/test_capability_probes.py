"""Probes of a template's capabilities say what small templates, made for the purpose, do."""

from __future__ import annotations

import pytest

from fixtures.checkpoint.bare_template import BareTemplate
from fixtures.templates.chat import Chat
from suites.chat_templates.text.test_capabilities import PROBES


def each(body: str, condition: str = "") -> str:
    """A template that prints this for each message `m`."""
    return "{% for m in messages " + condition + " %}" + body + "{% endfor %}"


TURN = "<{{ m.role }}>{{ m.content }}</{{ m.role }}>"
CALL = "{% for c in m.tool_calls %}{{ c.id }}{{ c.function | tojson }}{% endfor %}"
TEXT_OR_TYPE = "{{ p.text if p.type == 'text' else '<' ~ p.type ~ '>' }}"
EVEN = "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('alternate') }}{% endif %}"

DATES = "December 2023, 26 Jul 2024"
PLAIN = each(TURN)
CALLS = "{{ tools | tojson if tools }}" + each(TURN + CALL)
NULLABLE = CALLS.replace("{{ m.content }}", "{{ m.content or '' }}")
STRICT = each(EVEN + "{{ m.content }}")
MERGED = "{% if messages[0].role == 'system' %}{% set head = messages[0].content ~ '\n' %}{% endif %}" + each(
    "<{{ m.role }}>{{ head if loop.first }}{{ m.content }}", "if m.role != 'system'"
)
ONLY_TWO = each("<{{ m.role }}>{{ m.content | trim }}", "if m.role in ('user', 'assistant')")
REASONS = each("<{{ m.role }}>{{ m.reasoning_content if loop.last }}{{ m.content }}")
TOGGLED = (
    PLAIN + "{{ '<assistant>' ~ ('<think></think>' if enable_thinking is false else '') if add_generation_prompt }}"
)
PARTS = each("{{ m.content if m.content is string }}{% for p in m.content if p.type %}" + TEXT_OR_TYPE + "{% endfor %}")
FIRST_CALL = each("{{ m.content }}{{ m.tool_calls[0].function.arguments.items() | list if m.tool_calls }}")
DEFAULT = "{% if messages[0].role != 'system' %}<|system|>You are a helpful assistant.{% endif %}" + PLAIN
DOCUMENTED = "{{ documents | map(attribute='text') | join if documents }}" + PLAIN
MARKED = "{% generation %}" + PLAIN + "{% endgeneration %}"


@pytest.mark.parametrize(
    ("template", "name", "value"),
    [
        (PLAIN, "system_role", "supported"), (STRICT, "system_role", "rejected"),
        (MERGED, "system_role", "merged into the user message"),
        (ONLY_TWO, "system_role", "dropped"), ("{{ messages[1].x.y }}", "system_role", "error"),
        (PLAIN, "developer_role", "supported"), (ONLY_TWO, "developer_role", "dropped"),
        (ONLY_TWO, "late_system_message", "dropped"), (ONLY_TWO, "unknown_role", "dropped"),
        (PLAIN, "default_system_prompt", "no"), (DEFAULT, "default_system_prompt", "yes"),
        (PLAIN, "date_in_prompt", "none"),
        ("Cutoff: December 2023. Today: 26 Jul 2024." + PLAIN, "date_in_prompt", DATES),
        ("{{ strftime_now('%Y-%m-%d') }}" + PLAIN, "date_in_prompt", "today"),
        (PLAIN, "alternation", "not required"), (STRICT, "alternation", "required"),
        (STRICT, "consecutive_users", "rejected"), (PLAIN, "consecutive_assistants", "supported"),
        (STRICT, "assistant_first", "rejected"),
        (PLAIN, "generation_tag", "no"), (MARKED, "generation_tag", "yes"),
        (PLAIN, "tools", "dropped"), (CALLS, "tools", "supported"),
        (PLAIN, "tool_calls", "dropped"), (CALLS, "tool_calls", "supported"), (STRICT, "tool_calls", "rejected"),
        (CALLS, "parallel_tool_calls", "supported"), (FIRST_CALL, "parallel_tool_calls", "dropped"),
        (CALLS, "tool_results", "supported"), (ONLY_TWO, "tool_results", "dropped"),
        (CALLS, "tool_call_ids", "supported"), (FIRST_CALL, "tool_call_ids", "dropped"),
        (PLAIN, "tool_call_ids", "no tool calls"),
        (CALLS, "json_string_arguments", "encoded twice"), (FIRST_CALL, "json_string_arguments", "error"),
        (CALLS, "content_with_tool_calls", "supported"), (NULLABLE, "null_content", "supported"),
        (CALLS.replace("m.content }}", "m.get('content') }}"), "null_content", "printed as None"),
        (CALLS.replace("m.content }}", "m.content + '' }}"), "null_content", "error"),
        (PLAIN, "documents", "dropped"), (DOCUMENTED, "documents", "supported"),
        (PLAIN, "trims_content", "no"), (ONLY_TWO, "trims_content", "yes"),
        (PLAIN, "content_parts", "printed as a Python list"), (PARTS, "content_parts", "supported"),
        (PARTS, "images", "supported"), (PLAIN, "images", "printed as a Python list"), (PARTS, "audio", "supported"),
        (PLAIN, "reasoning", "not supported"), (REASONS, "reasoning", "removed from earlier turns"),
        (PLAIN + "{{ messages[1].reasoning_content }}", "reasoning", "kept in earlier turns"),
        (REASONS, "reasoning_before_tool_calls", "dropped"), (PLAIN, "reasoning_before_tool_calls", "not supported"),
        (PLAIN, "thinking_toggle", "not supported"), (TOGGLED, "thinking_toggle", "enable_thinking: on by default"),
        (PLAIN, "reasoning_effort", "not supported"),
        (PLAIN + "{{ reasoning_effort }}", "reasoning_effort", "supported"),
        (PLAIN, "continue_final_message", "supported"),
    ],
)  # fmt: skip
def test_a_probe_reports_what_the_template_does(template: str, name: str, value: str) -> None:
    found, evidence = PROBES[f"chat.{name}"](Chat(BareTemplate(template)))
    assert found == value, evidence


def test_a_capability_comes_with_what_shows_it() -> None:
    """A render, or the template's reason; what is absent, or only read in the source, has none."""
    chat = Chat(BareTemplate(CALLS))
    for name in ("system_role", "tools", "tool_calls", "parallel_tool_calls", "reasoning", "default_system_prompt"):
        assert PROBES[f"chat.{name}"](chat)[1]
    assert PROBES["chat.system_role"](Chat(BareTemplate(STRICT)))[1] == "alternate"
