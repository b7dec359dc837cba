"""Rows about assistant masks of conversations with tools."""

from __future__ import annotations

from selftests.gallery.registry import CHAT, mutant
from selftests.gallery.rows.template_text import replaced

MASK = "chat_templates/assistant-mask"
OPENS, CLOSES = "{%- generation -%}", "{%- endgeneration -%}"
CALLS = """            {%- for tool_call in message.tool_calls or [] -%}
                {{- '\\n' if content or not loop.first -}}
                {{- call(tool_call) -}}
            {%- endfor -%}
            {{- '<|im_end|>' -}}
        {%- endgeneration -%}
"""
BEFORE_CALLS = """        {%- generation -%}
            {%- set content = text(message.content) -%}
            {{- content -}}
"""
RESULT = "text(message.content) ~ '\\n</tool_response>"

mutant(
    "CX15",
    "calls of tools are left out of the mask",
    source="huggingface/trl chat_templates/README.md (training templates with tools)",
    base=CHAT,
    caught_by=MASK,
    naming=("leaves out", "answer 1 of 4"),
)(
    replaced(
        BEFORE_CALLS + CALLS,
        "{%- set content = text(message.content) -%}{%- if message.tool_calls -%}{{- content -}}"
        + CALLS.replace(CLOSES, "{%- else -%}{%- generation -%}{{- content ~ '<|im_end|>' -}}{%- endgeneration -%}")
        + "{%- endif -%}",
    )
)

mutant(
    "CX16",
    "results of tools are marked as generated",
    source="own",
    base=CHAT,
    caught_by=MASK,
    naming="did not say",
)(
    replaced(
        f"{{{{- '>\\n' ~ {RESULT}",
        f"{{{{- '>\\n' -}}}}{OPENS}{{{{- text(message.content) -}}}}{CLOSES}{{{{- '\\n</tool_response>",
    )
)

mutant(
    "CX17",
    "the end of a turn that calls a tool is left out of the mask",
    source="huggingface/trl#5988",
    base=CHAT,
    caught_by=MASK,
    naming=("<|im_end|>", "answer 1 of 4", "where to stop"),
)(
    replaced(
        "            {{- '<|im_end|>' -}}\n        {%- endgeneration -%}",
        "            {{- '<|im_end|>' if not message.tool_calls -}}\n        {%- endgeneration -%}"
        "{{- '<|im_end|>' if message.tool_calls -}}",
    )
)
