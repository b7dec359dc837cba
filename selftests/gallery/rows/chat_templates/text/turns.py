"""Defects in turns: headers, ends, generation prompts, and history that changes later."""

from __future__ import annotations

from pathlib import Path

from selftests.gallery.edits.files import edit_template
from selftests.gallery.edits.templates import PROMPT, RESULT_END, USER_TURN, replaced
from selftests.gallery.registry import CHAT, healthy, mutant

CONTENT = "{%- set content = text(message.content) -%}"
ASSISTANT = "{{- '<|im_start|>assistant\\n' -}}\n        {%- generation"
UNKNOWN = '{{- raise_exception("Unknown role \'" ~ message.role ~ "\': expected system, user, assistant or tool.") -}}'

mutant(
    "no-generation-prompt-after-tool-result",
    "no generation prompt after a tool's result",
    number="CX09",
    source="own",
    base=CHAT,
    caught_by="chat_templates/generation-prompt",
    summary_contains=("after a tool's result", "<|im_start|>assistant"),
)(replaced(PROMPT, PROMPT.replace("add_generation_prompt", "add_generation_prompt and messages[-1].role != 'tool'")))


mutant(
    "no-generation-prompt-with-system",
    "no generation prompt if there is a system message",
    number="CX10",
    source="own",
    base=CHAT,
    caught_by="chat_templates/generation-prompt",
    summary_contains=("after a user's message", "<|im_start|>assistant"),
)(replaced(PROMPT, PROMPT.replace("add_generation_prompt", "add_generation_prompt and not has_system")))


mutant(
    "tool-turn-open-before-prompt",
    "the end of a tool's turn is left out where a generation prompt follows",
    number="M21",
    source="own",
    base=CHAT,
    caught_by="chat_templates/generation-prompt",
    severity="hazard",
    summary_contains="changes the conversation before it",
)(
    replaced(
        RESULT_END,
        "~ text(message.content) ~ '\\n</tool_response>' "
        "~ ('' if add_generation_prompt and loop.last else '<|im_end|>\\n') -}}",
    )
)


@mutant(
    "generation-prompt-missing",
    "the generation-prompt block is lost",
    number="C03",
    source="danielhanchen/unsloth-staging-2#49",
    base=CHAT,
    caught_by="chat_templates/generation-prompt",
    summary_contains="add_generation_prompt",
)
def generation_prompt_missing(directory: Path) -> None:
    edit_template(directory, "{%- if add_generation_prompt -%}", "{%- if false -%}")


@mutant(
    "generation-prompt-of-other-role",
    "the generation prompt opens another role's turn",
    number="S02",
    source="own",
    base=CHAT,
    caught_by="chat_templates/generation-prompt",
    summary_contains="assistant",
)
def generation_prompt_of_other_role(directory: Path) -> None:
    edit_template(
        directory,
        "{%- if add_generation_prompt -%}\n    {{- '<|im_start|>assistant\\n' -}}",
        "{%- if add_generation_prompt -%}\n    {{- '<|im_start|>model\\n' -}}",
    )


mutant(
    "generation-prompt-empty-thought",
    "the generation prompt holds an empty thought that no answer has (DeepSeek R1 distillates)",
    number="M15",
    source="google-ai-edge/litert-torch#1209",
    base=CHAT,
    caught_by="chat_templates/generation-prompt-kept",
    severity="hazard",
    summary_contains="<think>",
)(replaced(PROMPT, PROMPT.replace("assistant\\n'", "assistant\\n<think>\\n\\n</think>\\n\\n'")))


mutant(
    "thoughts-leave-history",
    "thoughts vanish from the history when the user goes on",
    number="M16",
    source="verl-project/verl#6854",
    base=CHAT,
    caught_by="chat_templates/prefix-stable",
    severity="hazard",
    summary_contains="with thoughts",
)(
    replaced(
        ASSISTANT,
        "{{- '<|im_start|>assistant\\n' ~ ('<think>\\n' ~ message.reasoning_content ~ '\\n</think>\\n\\n' "
        "if loop.last and message.reasoning_content else '') -}}\n        {%- generation",
    )
)


mutant(
    "tools-move-with-last-question",
    "tools come before the last question and move with each new one (Mistral)",
    number="M17",
    source="own",
    base=CHAT,
    caught_by="chat_templates/prefix-stable",
    severity="hazard",
    summary_contains=("with tools", "a user's message"),
)(
    replaced(
        "{%- elif message.role in ['system', 'user'] -%}\n",
        "{%- elif message.role in ['system', 'user'] -%}\n"
        "{%- if tools and message == messages | selectattr('role', 'equalto', 'user') | list | last -%}"
        "{{- '<tools>' ~ (tools | tojson) ~ '</tools>' -}}{%- endif -%}\n",
    )
)


@mutant(
    "history-rewritten",
    "earlier turns are rewritten when a turn is appended",
    number="C12",
    source="QwenLM/Qwen3#1826",
    base=CHAT,
    caught_by="chat_templates/prefix-stable",
    severity="hazard",
    summary_contains="rewrites what was rendered before",
)
def history_rewritten(directory: Path) -> None:
    edit_template(
        directory,
        "{{- '<|im_start|>assistant\\n' -}}\n        {%- generation",
        "{{- '<|im_start|>assistant\\n' ~ ('<think>\\n\\n</think>\\n\\n' if loop.last else '') -}}\n"
        "        {%- generation",
    )


mutant(
    "thought-in-answer",
    "a thought is rendered as a part of the answer",
    number="CX11",
    source="own",
    base=CHAT,
    caught_by="chat_templates/roles-differ",
    summary_contains=("reasoning", "no marker"),
)(replaced(CONTENT, CONTENT + "{{- message.reasoning_content ~ '\\n' if message.reasoning_content -}}"))


mutant(
    "all-turns-as-assistant",
    "every turn has the header of the assistant",
    number="M07",
    source="own",
    base=CHAT,
    caught_by="chat_templates/roles-differ",
    summary_contains=("the user", "the assistant"),
)(
    replaced(
        "{{- '<|im_start|>' ~ message.role ~ '\\n' " + USER_TURN,
        "{{- '<|im_start|>assistant\\n' " + USER_TURN,
    )
)


mutant(
    "only-last-tool-result-closed",
    "of two results of tools only the last is closed",
    number="CX08",
    source="own",
    base=CHAT,
    caught_by="chat_templates/turn-markers-balance",
    summary_contains=("with tools", "<|im_start|>"),
)(
    replaced(
        RESULT_END,
        "~ text(message.content) ~ '\\n</tool_response>' -}}"
        "{%- if loop.last or messages[loop.index0 + 1].role != 'tool' -%}{{- '<|im_end|>\\n' -}}{%- endif -%}",
    )
)


mutant(
    "second-tool-round-unmarked",
    "a flag that is never set back leaves out a marker from the second round of tools on (DeepSeek R1)",
    number="M05",
    source="ggml-org/llama.cpp#14557",
    base=CHAT,
    caught_by="chat_templates/turn-markers-balance",
    summary_contains=("<tool_response>", "with tools"),
)(replaced("'\\n</tool_response><|im_end|>\\n'", "('\\n</tool_response>' if loop.index < 5 else '') ~ '<|im_end|>\\n'"))


mutant(
    "user-turn-unclosed",
    "the user's turn is not closed",
    number="M06",
    source="own",
    base=CHAT,
    caught_by="chat_templates/turn-markers-balance",
    summary_contains=("<|im_start|>", "<|im_end|>"),
)(replaced(USER_TURN, "~ text(message.content) ~ '\\n' -}}"))


mutant(
    "unknown-role-as-assistant",
    "an unknown role falls into the assistant's branch",
    number="M13",
    source="own",
    base=CHAT,
    caught_by="chat_templates/unknown-roles",
    severity="hazard",
    summary_contains=("critic", "assistant"),
)(replaced(UNKNOWN, "{{- '<|im_start|>assistant\\n' ~ text(message.content) ~ '<|im_end|>\\n' -}}"))


@healthy(
    "default-system-message",
    "the template writes its own system message where the conversation has none, as Qwen 2.5 does",
    base=CHAT,
    check="chat_templates/prefix-stable",
)
def default_system_message(directory: Path) -> None:
    edit_template(directory, "{%- if has_system or tools -%}", "{%- if true -%}")
    edit_template(
        directory,
        "{{- text(messages[0].content) -}}\n    {%- endif -%}",
        "{{- text(messages[0].content) -}}\n    {%- else -%}{{- 'You are a helpful assistant.' -}}{%- endif -%}",
    )


@healthy(
    "optional-thinking-switch",
    "the generation prompt holds an empty thought only if the caller turns thinking off, as with Qwen 3",
    base=CHAT,
    check="chat_templates/generation-prompt-kept",
)
def optional_thinking_switch(directory: Path) -> None:
    off = "{{- '<think>\\n\\n</think>\\n\\n' if enable_thinking is defined and enable_thinking is false -}}"
    edit_template(directory, PROMPT, PROMPT + off)
