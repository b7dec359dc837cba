"""Rows about the text that chat templates render: what is lost, changed, confused, or rewritten later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits import edit_template, prepend_template
from selftests.gallery.registry import CHAT, Mutation, mutant

USER_TURN = "~ text(message.content) ~ '<|im_end|>\\n' -}}"
RESULT_END = "~ text(message.content) ~ '\\n</tool_response><|im_end|>\\n' -}}"
ASSISTANT = "{{- '<|im_start|>assistant\\n' -}}\n        {%- generation"
SYSTEM = "{{- text(messages[0].content) -}}"
HAS_SYSTEM = "{%- set has_system = messages and messages[0].role == 'system' -%}"
UNKNOWN = '{{- raise_exception("Unknown role \'" ~ message.role ~ "\': expected system, user, assistant or tool.") -}}'
NO_CONTENT = "{%- elif content is not defined or content is none -%}"
ARGUMENTS = "{{- (function.arguments or {}) | tojson -}}"
ARGUMENTS_AS_TEXT = "{{- function.arguments -}}\n    {%- else -%}"
PROMPT = "{%- if add_generation_prompt -%}\n    {{- '<|im_start|>assistant\\n' -}}"


def replaced(old: str, new: str) -> Mutation:
    """A mutation that replaces one piece of the template."""
    return lambda directory: edit_template(directory, old, new)


def unchanged(directory: Path) -> None:
    """The defect is put into what was loaded."""


mutant(
    "C23",
    "tools are offered, and tool_calls are never rendered (LFM2)",
    source="huggingface/trl chat_templates/README.md (lfm2.jinja)",
    base=CHAT,
    caught_by="chat_templates/nothing-lost",
    naming=("call of a tool", "although tools are offered"),
)(replaced("for tool_call in message.tool_calls or []", "for tool_call in []"))

mutant(
    "M01",
    "the system message is dropped without a word",
    source="huggingface/transformers#30545",
    base=CHAT,
    caught_by="chat_templates/nothing-lost",
    naming="system message",
)(replaced(SYSTEM, ""))

mutant(
    "M24",
    "the system message is shown only where the user spoke last (Mistral 7B v0.3)",
    source="docs.mistral.ai, chat templates of tokenizer V3",
    base=CHAT,
    caught_by="chat_templates/nothing-lost",
    naming=("system message", "a question and its answer"),
)(replaced(HAS_SYSTEM, HAS_SYSTEM.replace(" -%}", " and messages[-1].role == 'user' -%}")))

mutant(
    "M03",
    "calls of tools are shown and their results are not",
    source="own",
    base=CHAT,
    caught_by="chat_templates/nothing-lost",
    naming="result of a tool",
)(replaced("'>\\n' " + RESULT_END, "'></tool_response><|im_end|>\\n' -}}"))

mutant(
    "M04",
    "what the assistant says beside a tool call is dropped (Llama 3.1)",
    source="own",
    base=CHAT,
    caught_by="chat_templates/nothing-lost",
    severity="hazard",
    naming="calls a tool",
)(replaced("set content = text(message.content)", "set content = '' if message.tool_calls else text(message.content)"))

mutant(
    "M05",
    "a flag that is never set back leaves out a marker from the second round of tools on (DeepSeek R1)",
    source="ggml-org/llama.cpp#14557",
    base=CHAT,
    caught_by="chat_templates/turn-markers-balance",
    naming=("<tool_response>", "with tools"),
)(replaced("'\\n</tool_response><|im_end|>\\n'", "('\\n</tool_response>' if loop.index < 5 else '') ~ '<|im_end|>\\n'"))

mutant(
    "M06",
    "the user's turn is not closed",
    source="own",
    base=CHAT,
    caught_by="chat_templates/turn-markers-balance",
    naming=("<|im_start|>", "<|im_end|>"),
)(replaced(USER_TURN, "~ text(message.content) ~ '\\n' -}}"))

mutant(
    "M07",
    "every turn has the header of the assistant",
    source="own",
    base=CHAT,
    caught_by="chat_templates/roles-differ",
    naming=("the user", "the assistant"),
)(
    replaced(
        "{{- '<|im_start|>' ~ message.role ~ '\\n' " + USER_TURN,
        "{{- '<|im_start|>assistant\\n' " + USER_TURN,
    )
)

mutant(
    "M08",
    "chance decides about the prompt",
    source="own",
    base=CHAT,
    caught_by="chat_templates/deterministic",
    naming="differently",
)(lambda directory: prepend_template(directory, "{{- 'seed ' ~ (range(99999) | random) ~ '\\n' -}}"))

mutant(
    "M09",
    "a method is printed instead of called",
    source="own",
    base=CHAT,
    caught_by="chat_templates/deterministic",
    naming="object of Python",
)(replaced(PROMPT, "{%- if messages -%}{{- messages[0].role.strip -}}{%- endif -%}\n" + PROMPT))

mutant(
    "M11",
    "a tool call without content prints the word None",
    source="huggingface/transformers#45419",
    base=CHAT,
    caught_by="chat_templates/null-keys",
    naming="None",
)(replaced(NO_CONTENT, NO_CONTENT + "{{- none -}}"))

mutant(
    "M12",
    "a tool call without content breaks the template (Qwen 3)",
    source="huggingface/speech-to-speech#414",
    base=CHAT,
    caught_by="chat_templates/null-keys",
    severity="hazard",
    naming="content is null",
)(replaced(NO_CONTENT, "{%- elif content is not defined or content is none -%}{{- content.strip() + '' -}}"))

mutant(
    "M13",
    "an unknown role falls into the assistant's branch",
    source="own",
    base=CHAT,
    caught_by="chat_templates/unknown-roles",
    severity="hazard",
    naming=("critic", "assistant"),
)(replaced(UNKNOWN, "{{- '<|im_start|>assistant\\n' ~ text(message.content) ~ '<|im_end|>\\n' -}}"))

mutant(
    "M14",
    "arguments are printed as Python prints them (Qwen 3 Coder)",
    source="vllm-project/vllm#38885",
    base=CHAT,
    caught_by="chat_templates/values-as-json",
    naming=("Python prints", "True", "None"),
)(replaced(ARGUMENTS, "{{- (function.arguments or {}) | string -}}"))

mutant(
    "M15",
    "the generation prompt holds an empty thought that no answer has (DeepSeek R1 distillates)",
    source="google-ai-edge/litert-torch#1209",
    base=CHAT,
    caught_by="chat_templates/generation-prompt-kept",
    severity="hazard",
    naming="<think>",
)(replaced(PROMPT, PROMPT.replace("assistant\\n'", "assistant\\n<think>\\n\\n</think>\\n\\n'")))

mutant(
    "M16",
    "thoughts vanish from the history when the user goes on",
    source="verl-project/verl#6854",
    base=CHAT,
    caught_by="chat_templates/prefix-stable",
    severity="hazard",
    naming="with thoughts",
)(
    replaced(
        ASSISTANT,
        "{{- '<|im_start|>assistant\\n' ~ ('<think>\\n' ~ message.reasoning_content ~ '\\n</think>\\n\\n' "
        "if loop.last and message.reasoning_content else '') -}}\n        {%- generation",
    )
)

mutant(
    "M17",
    "tools stand before the last question and move when another one is asked (Mistral)",
    source="own",
    base=CHAT,
    caught_by="chat_templates/prefix-stable",
    severity="hazard",
    naming=("with tools", "a user's message"),
)(
    replaced(
        "{%- elif message.role in ['system', 'user'] -%}\n",
        "{%- elif message.role in ['system', 'user'] -%}\n"
        "{%- if tools and message == messages | selectattr('role', 'equalto', 'user') | list | last -%}"
        "{{- '<tools>' ~ (tools | tojson) ~ '</tools>' -}}{%- endif -%}\n",
    )
)

mutant(
    "M18",
    "arguments given as JSON text are encoded a second time",
    source="huggingface/transformers#45419",
    base=CHAT,
    caught_by="chat_templates/tool-arguments",
    severity="hazard",
    naming="second time",
)(replaced(ARGUMENTS_AS_TEXT, ARGUMENTS_AS_TEXT.replace("arguments -", "arguments | tojson -")))

mutant(
    "M19",
    "arguments that are no text break the template: only generated conversations have them",
    source="own",
    base=CHAT,
    caught_by="chat_templates/renders",
    naming=("generated conversation", "TypeError"),
)(replaced(ARGUMENTS, "{%- for key, value in function.arguments.items() -%}{{- key + '=' + value -}}{%- endfor -%}"))

mutant(
    "M20",
    "the lines of a text lose their indentation",
    source="own",
    base=CHAT,
    caught_by="chat_templates/content-verbatim",
    naming="indented code",
)(replaced(USER_TURN, "~ (text(message.content).split('\\n') | map('trim') | join('\\n')) ~ '<|im_end|>\\n' -}}"))

mutant(
    "M21",
    "the end of a tool's turn is left out where a generation prompt follows",
    source="own",
    base=CHAT,
    caught_by="chat_templates/generation-prompt",
    severity="hazard",
    naming="changes the conversation before it",
)(
    replaced(
        RESULT_END,
        "~ text(message.content) ~ '\\n</tool_response>' "
        "~ ('' if add_generation_prompt and loop.last else '<|im_end|>\\n') -}}",
    )
)

mutant(
    "M22",
    "the user's words stand twice in the prompt",
    source="own",
    base=CHAT,
    caught_by="chat_templates/content-verbatim",
    naming="2 times",
)(replaced(USER_TURN, "~ text(message.content) ~ '\\n' " + USER_TURN))

mutant(
    "M23",
    "characters outside ASCII are escaped: only generated conversations and one fixed text have them",
    source="own",
    base=CHAT,
    caught_by="chat_templates/content-verbatim",
    naming="many scripts",
)(replaced(USER_TURN, "~ text(message.content).encode('ascii', 'backslashreplace').decode() ~ '<|im_end|>\\n' -}}"))


def forgets_the_tools(tokenizer: Any) -> None:
    """A method of remote code that takes out of the messages what it has rendered."""
    render = tokenizer.apply_chat_template

    def taking_out(conversation: Any, *args: Any, **options: Any) -> Any:
        text = render(conversation, *args, **options)
        for message in conversation if isinstance(conversation, list) else []:
            message.pop("tool_calls", None)
        return text

    tokenizer.apply_chat_template = taking_out


mutant(
    "M10",
    "rendering takes the tool calls out of the application's messages",
    source="own",
    base=CHAT,
    caught_by="chat_templates/input-unchanged",
    naming="changes the messages",
    patch_tokenizer=forgets_the_tools,
)(unchanged)
