"""Defects in how templates render tools, calls and results, and messages that they lose."""

from __future__ import annotations

import json
from pathlib import Path

from selftests.gallery.edits.files import edit_template, prepend_template
from selftests.gallery.edits.templates import RESULT_END, add_processor, replaced, template
from selftests.gallery.registry import CHAT, healthy, mutant

CALLS = "{%- for tool_call in message.tool_calls or [] -%}"
CALL_ID = "{{- ', \"id\": ' ~ (tool_call.id | tojson) -}}"
RESULT_ID = "{{- ' id=\"' ~ message.tool_call_id ~ '\"' if message.tool_call_id -}}"
SYSTEM = "{{- text(messages[0].content) -}}"
HAS_SYSTEM = "{%- set has_system = messages and messages[0].role == 'system' -%}"
ARGUMENTS = "{{- (function.arguments or {}) | tojson -}}"
ARGUMENTS_AS_TEXT = "{{- function.arguments -}}\n    {%- else -%}"
CALL = "    {%- if function.arguments is string -%}\n        {{- function.arguments -}}\n    {%- else -%}"


@mutant(
    "processor-template-drops-system",
    "the template that only the processor has drops the system message",
    number="CX27",
    source="own, in a directory as older image-text models have it",
    base=CHAT,
    caught_by="chat_templates/nothing-lost",
    summary_contains="system message",
)
def processor_template_drops_system(directory: Path) -> None:
    text = template(directory).replace("{{- text(messages[0].content) -}}", "")
    (directory / "chat_template.jinja").unlink()
    (directory / "chat_template.json").write_text(json.dumps({"chat_template": text}), encoding="utf-8")
    add_processor(directory)


@mutant(
    "called-tool-without-name",
    "the name of the called tool is not rendered",
    number="CX01",
    source="own",
    base=CHAT,
    caught_by="chat_templates/nothing-lost",
    summary_contains="name of the tool that is called",
)
def called_tool_without_name(directory: Path) -> None:
    edit_template(directory, "~ (function.name | tojson) ~", "~ '\"function\"' ~")
    edit_template(directory, CALL_ID, "")
    edit_template(directory, RESULT_ID, "")


mutant(
    "call-id-for-tool-name",
    "the call's id is printed instead of the tool's name",
    number="CX14",
    source="own, as in moonshotai/Kimi-K2-Instruct's template",
    base=CHAT,
    caught_by="chat_templates/nothing-lost",
    severity="hazard",
    summary_contains=("name of a called tool", "unless the call's id contains it"),
)(replaced("~ (function.name | tojson) ~", "~ (tool_call.id | tojson) ~"))


mutant(
    "only-first-tool-offered",
    "only the first of several tools is offered",
    number="CX02",
    source="own",
    base=CHAT,
    caught_by="chat_templates/nothing-lost",
    summary_contains="second of two tools on offer",
)(replaced("{%- for tool in tools -%}", "{%- for tool in tools[:1] -%}"))


mutant(
    "tools-offered-by-name-only",
    "tools are offered by their names alone",
    number="CX03",
    source="own",
    base=CHAT,
    caught_by="chat_templates/nothing-lost",
    summary_contains="parameter of a tool",
)(replaced("{{- tool | tojson ~ '\\n' -}}", "{{- tool.function.name ~ '\\n' -}}"))


mutant(
    "tools-without-description",
    "tools are offered without what they are for",
    number="CX04",
    source="own",
    base=CHAT,
    caught_by="chat_templates/nothing-lost",
    severity="hazard",
    summary_contains="description of a tool on offer",
)(
    replaced(
        "{{- tool | tojson ~ '\\n' -}}",
        "{{- {'name': tool.function.name, 'parameters': tool.function.parameters} | tojson ~ '\\n' -}}",
    )
)


mutant(
    "tool-calls-never-rendered",
    "tools are offered, and tool_calls are never rendered (LFM2)",
    number="C23",
    source="huggingface/trl chat_templates/README.md (lfm2.jinja)",
    base=CHAT,
    caught_by="chat_templates/nothing-lost",
    summary_contains=("call of a tool", "although tools are offered"),
    uses=("tools",),
)(replaced("for tool_call in message.tool_calls or []", "for tool_call in []"))


mutant(
    "system-message-dropped",
    "the system message is dropped without a word",
    number="M01",
    source="huggingface/transformers#30545",
    base=CHAT,
    caught_by="chat_templates/nothing-lost",
    summary_contains="system message",
    uses=("system",),
)(replaced(SYSTEM, ""))


mutant(
    "system-only-if-user-last",
    "the system message is shown only where the user spoke last (Mistral 7B v0.3)",
    number="M24",
    source="docs.mistral.ai, chat templates of tokenizer V3",
    base=CHAT,
    caught_by="chat_templates/nothing-lost",
    summary_contains=("system message", "a question and its answer"),
    uses=("training",),
)(replaced(HAS_SYSTEM, HAS_SYSTEM.replace(" -%}", " and messages[-1].role == 'user' -%}")))


mutant(
    "tool-results-dropped",
    "calls of tools are shown and their results are not",
    number="M03",
    source="own",
    base=CHAT,
    caught_by="chat_templates/nothing-lost",
    summary_contains="result of a tool",
)(replaced("'>\\n' " + RESULT_END, "'></tool_response><|im_end|>\\n' -}}"))


mutant(
    "text-next-to-call-dropped",
    "text of the assistant next to a tool call is dropped (Llama 3.1)",
    number="M04",
    source="own",
    base=CHAT,
    caught_by="chat_templates/nothing-lost",
    severity="hazard",
    summary_contains="calls a tool",
)(replaced("set content = text(message.content)", "set content = '' if message.tool_calls else text(message.content)"))


mutant(
    "json-text-arguments-reencoded",
    "arguments given as JSON text are encoded a second time",
    number="M18",
    source="huggingface/transformers#45419",
    base=CHAT,
    caught_by="chat_templates/tool-arguments",
    severity="hazard",
    summary_contains="second time",
)(replaced(ARGUMENTS_AS_TEXT, ARGUMENTS_AS_TEXT.replace("arguments -", "arguments | tojson -")))


@mutant(
    "json-text-arguments-break",
    "arguments as a JSON string break the template",
    number="C20",
    source="huggingface/transformers#48120",
    base=CHAT,
    caught_by="chat_templates/tool-arguments",
    severity="hazard",
    summary_contains="JSON text",
)
def json_text_arguments_break(directory: Path) -> None:
    edit_template(
        directory,
        CALL,
        "    {%- if false -%}\n    {%- else -%}{%- for k, v in function.arguments | items -%}{%- endfor -%}",
    )


@mutant(
    "non-mapping-arguments-vanish",
    "arguments that are not a mapping vanish",
    number="C21",
    source="Blackwellboy/model-serving-minefield trap 43",
    base=CHAT,
    caught_by="chat_templates/tool-arguments",
    summary_contains="arguments",
)
def non_mapping_arguments_vanish(directory: Path) -> None:
    edit_template(directory, "        {{- function.arguments -}}\n    {%- else -%}", "    {%- else -%}")


mutant(
    "parallel-calls-reordered",
    "two calls of one message are exchanged",
    number="CX05",
    source="own",
    base=CHAT,
    caught_by="chat_templates/tool-round-trip",
    summary_contains=("calls", "another order"),
)(replaced(CALLS, "{%- for tool_call in (message.tool_calls or []) | reverse -%}"))


mutant(
    "call-without-id",
    "calls are rendered without the ids that their results have",
    number="CX06",
    source="own, as in templates of Apriel the other way round",
    base=CHAT,
    caught_by="chat_templates/tool-round-trip",
    severity="hazard",
    summary_contains=("ids", "which call"),
)(replaced(CALL_ID, ""))


mutant(
    "result-without-id",
    "results are rendered without the ids that their calls have",
    number="CX07",
    source="own, as in ServiceNow-AI/Apriel-1.6-15b-Thinker's template",
    base=CHAT,
    caught_by="chat_templates/tool-round-trip",
    severity="hazard",
    summary_contains=("ids", "which call"),
)(replaced(RESULT_ID, ""))


@mutant(
    "user-after-tool-result-refused",
    "a user turn after a tool result cannot be rendered",
    number="C07",
    base=CHAT,
    summary_contains="tool's result",
    source="Blackwellboy/model-serving-minefield trap 84",
    caught_by="chat_templates/tool-round-trip",
    severity="hazard",
)
def user_after_tool_result_refused(directory: Path) -> None:
    guard = (
        "{%- if message.role == 'user' and not loop.first and loop.previtem.role == 'tool' -%}"
        "{{- raise_exception('Roles must alternate.') -}}{%- endif -%}"
    )
    edit_template(directory, "{%- for message in messages -%}\n", "{%- for message in messages -%}\n" + guard)


mutant(
    "arguments-as-python-literals",
    "arguments are printed as Python prints them (Qwen 3 Coder)",
    number="M14",
    source="vllm-project/vllm#38885",
    base=CHAT,
    caught_by="chat_templates/values-as-json",
    summary_contains=("Python's notation", "True", "None"),
)(replaced(ARGUMENTS, "{{- (function.arguments or {}) | string -}}"))


@healthy(
    "system-role-refused",
    "a system message is refused with a message, as by Gemma 2",
    base=CHAT,
    check="chat_templates/nothing-lost",
)
def system_role_refused(directory: Path) -> None:
    prepend_template(
        directory,
        "{%- if messages and messages[0].role == 'system' -%}"
        "{{- raise_exception('System role not supported') -}}{%- endif -%}",
    )
