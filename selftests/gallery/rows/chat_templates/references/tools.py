"""Defects of templates that write a family's format of tools slightly wrong."""

from __future__ import annotations

from pathlib import Path

from selftests.gallery.edits.templates import HARMONY_TOKENS, LLAMA_3_TOKENS, write_format
from selftests.gallery.registry import CHAT, healthy, mutant

QWEN_CODE = "https://github.com/QwenLM/Qwen-Agent/blob/main/qwen_agent/llm/fncall_prompts/nous_fncall_prompt.py"
LLAMA = "https://github.com/meta-llama/llama-models/blob/main/models/llama3_1/prompt_format.md"
MISTRAL_CODE = "https://github.com/mistralai/mistral-common"
OPENAI = "https://github.com/openai/harmony/blob/main/docs/format.md"
QWEN_TEMPLATE = r"""{%- set system = messages[0].content if messages[0].role == 'system' else '' -%}
{%- if system or tools -%}
{{- '<|im_start|>system\n' ~ system -}}
{%- if tools -%}
{{- '\n\n' if system -}}
{{- "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n" -}}
{{- "You are provided with function signatures within <tools></tools> XML tags:\n<tools>" -}}
{%- for tool in tools -%}{{- '\n' ~ (tool | tojson) -}}{%- endfor -%}
{{- "\n</tools>\n\nFor each function call, return a json object with function name and arguments within " -}}
{{- '<tool_call></tool_call> XML tags:\n<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n' -}}
{{- '</tool_call>' -}}
{%- endif -%}
{{- '<|im_end|>\n' -}}
{%- endif -%}
{%- for message in (messages[1:] if system else messages) -%}
{%- if message.role == 'tool' -%}
{{- '<|im_start|>user' if loop.first or loop.previtem.role != 'tool' -}}
{{- '\n<tool_response>\n' ~ message.content ~ '\n</tool_response>' -}}
{{- '<|im_end|>\n' if loop.last or loop.nextitem.role != 'tool' -}}
{%- else -%}
{{- '<|im_start|>' ~ message.role ~ '\n' ~ message.content -}}
{%- for call in message.tool_calls or [] -%}
{{- '\n' if message.content or not loop.first -}}
{{- '<tool_call>\n{"name": "' ~ call.function.name ~ '", "arguments": ' -}}
{{- (call.function.arguments | tojson) ~ '}\n</tool_call>' -}}
{%- endfor -%}
{{- '<|im_end|>\n' -}}
{%- endif -%}
{%- endfor -%}
{{- '<|im_start|>assistant\n' if add_generation_prompt -}}"""
LLAMA_TEMPLATE = r"""{{- bos_token -}}
{%- for message in messages -%}
{{- '<|start_header_id|>' ~ ('ipython' if message.role == 'tool' else message.role) ~ '<|end_header_id|>\n\n' -}}
{%- if tools and message.role == 'user' and loop.first -%}
{{- 'Respond in the format {"name": function name, "parameters": dictionary of argument name and its value}.\n\n' -}}
{%- for tool in tools -%}{{- tool | tojson(indent=4) ~ '\n\n' -}}{%- endfor -%}
{%- endif -%}
{{- message.content -}}
{%- for call in message.tool_calls or [] -%}
{%- if not loop.first -%}{{- raise_exception('One call at a time.') -}}{%- endif -%}
{{- '{"name": "' ~ call.function.name ~ '", "parameters": ' ~ (call.function.arguments | tojson) ~ '}' -}}
{%- endfor -%}
{{- '<|eot_id|>' -}}
{%- endfor -%}
{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' if add_generation_prompt -}}"""
MISTRAL_TEMPLATE = r"""{{- bos_token -}}
{%- set questions = messages | selectattr('role', 'equalto', 'user') | list -%}
{%- for message in messages -%}
{%- if message.role == 'user' -%}
{%- if tools and message == questions[-1] -%}
{{- '[AVAILABLE_TOOLS]' ~ (tools | tojson) ~ '[/AVAILABLE_TOOLS]' -}}
{%- endif -%}
{{- '[INST]' ~ message.content ~ '[/INST]' -}}
{%- elif message.role == 'tool' -%}
{{- '[TOOL_RESULTS]{"content": ' ~ (message.content if message.content[0] == '{' else message.content | tojson) -}}
{{- ', "call_id": "' ~ message.tool_call_id ~ '"}[/TOOL_RESULTS]' -}}
{%- elif message.tool_calls -%}
{{- '[TOOL_CALLS][' -}}
{%- for call in message.tool_calls -%}
{{- (call.function | tojson)[:-1] ~ ', "id": "' ~ call.id ~ '"}' ~ (', ' if not loop.last) -}}
{%- endfor -%}
{{- ']' ~ eos_token -}}
{%- else -%}
{{- message.content ~ eos_token -}}
{%- endif -%}
{%- endfor -%}"""
HARMONY_TEMPLATE = r"""{{- '<|start|>system<|message|>You are helpful.' -}}
{{- "\nCalls to these tools must go to the commentary channel: 'functions'." if tools -}}
{{- '<|end|>' -}}
{%- set system = messages[0].content if messages[0].role == 'system' else '' -%}
{%- if system or tools -%}
{{- '<|start|>developer<|message|>' ~ ('# Instructions\n\n' ~ system if system) -}}
{%- if tools -%}
{{- ('\n\n' if system) ~ '# Tools\n\n## functions\n\nnamespace functions {\n\n' -}}
{%- for tool in tools -%}
{{- '// ' ~ tool.function.description ~ '\ntype ' ~ tool.function.name ~ ' = (' -}}
{%- for name, value in tool.function.parameters.properties.items() -%}
{{- ('_: {\n' if loop.first) ~ '// ' ~ value.description ~ '\n' ~ name ~ ': ' ~ value.type ~ ',\n' -}}
{{- '}' if loop.last -}}
{%- endfor -%}
{{- ') => any;\n\n' -}}
{%- endfor -%}
{{- '} // namespace functions' -}}
{%- endif -%}
{{- '<|end|>' -}}
{%- endif -%}
{%- for message in messages if message.role != 'system' -%}
{%- if message.role == 'tool' -%}
{{- '<|start|>functions.' ~ message.name ~ ' to=assistant<|channel|>commentary<|message|>' -}}
{{- message.content ~ '<|end|>' -}}
{%- elif message.role == 'user' -%}
{{- '<|start|>user<|message|>' ~ message.content ~ '<|end|>' -}}
{%- elif message.tool_calls -%}
{%- for call in message.tool_calls -%}
{{- '<|start|>assistant<|channel|>commentary to=functions.' ~ call.function.name ~ ' <|constrain|>json<|message|>' -}}
{{- (call.function.arguments | tojson(separators=(',', ':'))) ~ '<|call|>' -}}
{%- endfor -%}
{%- else -%}
{{- '<|start|>assistant<|channel|>final<|message|>' ~ message.content ~ '<|end|>' -}}
{%- endif -%}
{%- endfor -%}
{{- '<|start|>assistant' if add_generation_prompt -}}"""
NOTHING: dict[str, tuple[str, str]] = dict.fromkeys(("system", "user", "assistant"), ("", ""))


def written(directory: Path, template: str, old: str, new: str, tokens: tuple[str, ...] = ()) -> None:
    """Writes the template with one piece changed, for a vocabulary with these control tokens."""
    assert old in template
    write_format(directory, NOTHING, tokens=tokens)
    (directory / "chat_template.jinja").write_text(template.replace(old, new), encoding="utf-8")


@mutant(
    "qwen-call-without-line-break",
    "no line break before </tool_call>",
    number="CX18",
    source=QWEN_CODE,
    base=CHAT,
    caught_by="chat_templates/tools-agree-with-family-reference",
    severity="hazard",
    summary_contains=("A tool call", "Qwen's (Hermes)"),
)
def qwen_call_without_line_break(directory: Path) -> None:
    written(directory, QWEN_TEMPLATE, "'}\\n</tool_call>'", "'}</tool_call>'")


@mutant(
    "qwen-results-in-own-role",
    "tool results have a role that the model does not know",
    number="CX19",
    source=QWEN_CODE,
    base=CHAT,
    caught_by="chat_templates/tools-agree-with-family-reference",
    severity="hazard",
    summary_contains=("header of a user's turn", "Qwen's (Hermes)"),
)
def qwen_results_in_own_role(directory: Path) -> None:
    written(directory, QWEN_TEMPLATE, "'<|im_start|>user' if", "'<|im_start|>tool' if")


@mutant(
    "llama31-arguments-for-parameters",
    "a call has arguments where Llama 3.1 has parameters",
    number="CX20",
    source=LLAMA,
    base=CHAT,
    caught_by="chat_templates/tools-agree-with-family-reference",
    summary_contains=("A tool call", "Llama 3.1", "parameters"),
)
def llama31_arguments_for_parameters(directory: Path) -> None:
    written(directory, LLAMA_TEMPLATE, '", "parameters": \' ~', '", "arguments": \' ~', LLAMA_3_TOKENS)


@mutant(
    "llama31-tool-for-ipython",
    "results of tools have the role tool where Llama 3.1 has ipython",
    number="CX21",
    source=LLAMA,
    base=CHAT,
    caught_by="chat_templates/tools-agree-with-family-reference",
    summary_contains=("header of a tool's turn", "Llama 3.1"),
)
def llama31_tool_for_ipython(directory: Path) -> None:
    written(directory, LLAMA_TEMPLATE, "'ipython'", "'tool'", LLAMA_3_TOKENS)


@mutant(
    "mistral-space-after-tool-calls",
    "a space after [TOOL_CALLS] that Mistral's other tokens do not have",
    number="CX22",
    source=MISTRAL_CODE,
    base=CHAT,
    caught_by="chat_templates/tools-agree-with-family-reference",
    severity="hazard",
    summary_contains=("A tool call", "Mistral"),
)
def mistral_space_after_tool_calls(directory: Path) -> None:
    written(directory, MISTRAL_TEMPLATE, "[TOOL_CALLS][", "[TOOL_CALLS] [")


@mutant(
    "mistral-tools-before-first-question",
    "tools come before the first question, where Mistral has them before the last",
    number="CX23",
    source=MISTRAL_CODE,
    base=CHAT,
    caught_by="chat_templates/tools-agree-with-family-reference",
    severity="hazard",
    summary_contains=("Mistral", "a question after a tool was used"),
)
def mistral_tools_before_first_question(directory: Path) -> None:
    written(directory, MISTRAL_TEMPLATE, "questions[-1]", "questions[0]")


@mutant(
    "mistral-result-unquoted",
    "a result that is text is unquoted in Mistral's JSON",
    number="CX24",
    source="mistralai/Mistral-7B-Instruct-v0.3's template; " + MISTRAL_CODE,
    base=CHAT,
    caught_by="chat_templates/tools-agree-with-family-reference",
    severity="hazard",
    summary_contains=("result that is text", "without quotes"),
)
def mistral_result_unquoted(directory: Path) -> None:
    written(directory, MISTRAL_TEMPLATE, "message.content | tojson)", "message.content)")


@mutant(
    "harmony-call-in-analysis",
    "tool calls are in the analysis channel",
    number="CX25",
    source=OPENAI,
    base=CHAT,
    caught_by="chat_templates/tools-agree-with-family-reference",
    summary_contains=("A tool call", "harmony", "analysis"),
)
def harmony_call_in_analysis(directory: Path) -> None:
    written(directory, HARMONY_TEMPLATE, "<|channel|>commentary to", "<|channel|>analysis to", HARMONY_TOKENS)


@mutant(
    "harmony-result-quoted",
    "a result that is text is quoted and escaped",
    number="CX26",
    source="openai/gpt-oss-120b's template; " + OPENAI,
    base=CHAT,
    caught_by="chat_templates/tools-agree-with-family-reference",
    severity="hazard",
    summary_contains=("result", "JSON string", "OpenAI"),
)
def harmony_result_quoted(directory: Path) -> None:
    written(directory, HARMONY_TEMPLATE, "message.content ~ '<|end|>' -}}\n{%- elif message.role == 'user'",
            "(message.content | tojson) ~ '<|end|>' -}}\n{%- elif message.role == 'user'", HARMONY_TOKENS)  # fmt: skip


@healthy(
    "qwen-tools-as-documented",
    "tools in the format of Qwen (Hermes)",
    base=CHAT,
    check="chat_templates/tools-agree-with-family-reference",
)
def qwen_tools_as_documented(directory: Path) -> None:
    written(directory, QWEN_TEMPLATE, "~ message.content -}}", "~ (message.content or '') -}}")
