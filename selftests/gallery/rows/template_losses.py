"""Rows about templates that lose tools, long conversations or the prompt for some answers."""

from __future__ import annotations

from pathlib import Path

from selftests.gallery.edits import edit_template
from selftests.gallery.registry import CHAT, mutant
from selftests.gallery.rows.template_text import PROMPT, RESULT_END, USER_TURN, replaced

CALLS = "{%- for tool_call in message.tool_calls or [] -%}"
CONTENT = "{%- set content = text(message.content) -%}"
CALL_ID = "{{- ', \"id\": ' ~ (tool_call.id | tojson) -}}"
RESULT_ID = "{{- ' id=\"' ~ message.tool_call_id ~ '\"' if message.tool_call_id -}}"
LOST, APPENDS = "chat_templates/nothing-lost", "chat_templates/generation-prompt"


@mutant(
    "CX01",
    "the name of the called tool is not rendered",
    source="own",
    base=CHAT,
    caught_by=LOST,
    naming="name of the tool that is called",
)
def nameless_calls(directory: Path) -> None:
    edit_template(directory, "~ (function.name | tojson) ~", "~ '\"function\"' ~")
    edit_template(directory, CALL_ID, "")
    edit_template(directory, RESULT_ID, "")


mutant(
    "CX14",
    "the call's id is printed in place of the tool's name",
    source="own, as in moonshotai/Kimi-K2-Instruct's template",
    base=CHAT,
    caught_by=LOST,
    severity="hazard",
    naming=("name of the tool", "unless the call's id has it"),
)(replaced("~ (function.name | tojson) ~", "~ (tool_call.id | tojson) ~"))

mutant(
    "CX02",
    "only the first of several tools is offered",
    source="own",
    base=CHAT,
    caught_by=LOST,
    naming="second of two tools on offer",
)(replaced("{%- for tool in tools -%}", "{%- for tool in tools[:1] -%}"))

mutant(
    "CX03",
    "tools are offered by their names alone",
    source="own",
    base=CHAT,
    caught_by=LOST,
    naming="parameter of a tool",
)(replaced("{{- tool | tojson ~ '\\n' -}}", "{{- tool.function.name ~ '\\n' -}}"))

mutant(
    "CX04",
    "tools are offered without what they are for",
    source="own",
    base=CHAT,
    caught_by=LOST,
    severity="hazard",
    naming="tool on offer is for",
)(
    replaced(
        "{{- tool | tojson ~ '\\n' -}}",
        "{{- {'name': tool.function.name, 'parameters': tool.function.parameters} | tojson ~ '\\n' -}}",
    )
)

mutant(
    "CX05",
    "two calls of one message change places",
    source="own",
    base=CHAT,
    caught_by="chat_templates/tool-round-trip",
    naming=("calls", "another order"),
)(replaced(CALLS, "{%- for tool_call in (message.tool_calls or []) | reverse -%}"))

mutant(
    "CX06",
    "calls are rendered without the ids that their results have",
    source="own, as in templates of Apriel the other way round",
    base=CHAT,
    caught_by="chat_templates/tool-round-trip",
    severity="hazard",
    naming=("ids", "which call"),
)(replaced(CALL_ID, ""))

mutant(
    "CX07",
    "results are rendered without the ids that their calls have",
    source="own, as in ServiceNow-AI/Apriel-1.6-15b-Thinker's template",
    base=CHAT,
    caught_by="chat_templates/tool-round-trip",
    severity="hazard",
    naming=("ids", "which call"),
)(replaced(RESULT_ID, ""))

mutant(
    "CX08",
    "of two results of tools only the last is closed",
    source="own",
    base=CHAT,
    caught_by="chat_templates/turn-markers-balance",
    naming=("with tools", "<|im_start|>"),
)(
    replaced(
        RESULT_END,
        "~ text(message.content) ~ '\\n</tool_response>' -}}"
        "{%- if loop.last or messages[loop.index0 + 1].role != 'tool' -%}{{- '<|im_end|>\\n' -}}{%- endif -%}",
    )
)

mutant(
    "CX09",
    "no generation prompt after a tool's result",
    source="own",
    base=CHAT,
    caught_by=APPENDS,
    naming=("after a tool's result", "<|im_start|>assistant"),
)(replaced(PROMPT, PROMPT.replace("add_generation_prompt", "add_generation_prompt and messages[-1].role != 'tool'")))

mutant(
    "CX10",
    "no generation prompt beside a system message",
    source="own",
    base=CHAT,
    caught_by=APPENDS,
    naming=("after a user's message", "<|im_start|>assistant"),
)(replaced(PROMPT, PROMPT.replace("add_generation_prompt", "add_generation_prompt and not has_system")))

mutant(
    "CX11",
    "a thought is rendered as a part of the answer",
    source="own",
    base=CHAT,
    caught_by="chat_templates/roles-differ",
    naming=("thinks", "no marker"),
)(replaced(CONTENT, CONTENT + "{{- message.reasoning_content ~ '\\n' if message.reasoning_content -}}"))

mutant(
    "CX12",
    "long messages are cut",
    source="own",
    base=CHAT,
    caught_by="chat_templates/content-verbatim",
    naming="a message of 1,500 words",
)(replaced(USER_TURN, USER_TURN.replace("text(message.content)", "text(message.content)[:2000]")))

mutant(
    "CX13",
    "questions late in a conversation are left out",
    source="own",
    base=CHAT,
    caught_by="chat_templates/content-verbatim",
    naming=("32 messages", "message 13"),
)(replaced(USER_TURN, "~ (text(message.content) if loop.index0 < 12 else '') ~ '<|im_end|>\\n' -}}"))
