"""Defects in turns: headers, ends, generation prompts, and history that changes later."""

from __future__ import annotations

from pathlib import Path

from selftests.gallery.edits.files import edit_json, edit_template, set_keys
from selftests.gallery.edits.templates import PROMPT, RESULT_END, USER_TURN, replaced
from selftests.gallery.registry import CHAT, healthy, mutant

CONTENT = "{%- set content = text(message.content) -%}"
ASSISTANT = "{{- '<|im_start|>assistant\\n' -}}\n        {%- generation"
ANSWER_END = "{{- '<|im_end|>' -}}\n        {%- endgeneration -%}\n        {{- '\\n' -}}"
ENDOFTEXT, IM_END = 0, 2
"""Ids of the base's tokens."""
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


mutant(
    "generation-prompt-always",
    "the assistant's header ends every conversation, whoever spoke last (CodeLlama 70B)",
    source="https://huggingface.co/codellama/CodeLlama-70b-Instruct-hf",
    base=CHAT,
    caught_by="chat_templates/generation-prompt",
    summary_contains=("finished answer", "<|im_start|>assistant"),
)(replaced("{%- if add_generation_prompt -%}", "{%- if true -%}"))


@mutant(
    "generation-prompt-lacks-marker",
    "the prompt's header lacks its first marker, and a final EOS comes off (Motif 2)",
    source="https://huggingface.co/Motif-Technologies/Motif-2-12.7B-Reasoning",
    base=CHAT,
    caught_by="chat_templates/generation-prompt",
    summary_contains=("'assistant\\n'", "<|im_start|>assistant"),
)
def generation_prompt_lacks_marker(directory: Path) -> None:
    edit_template(directory, PROMPT, PROMPT.replace("<|im_start|>", ""))
    edit_template(directory, "{%- if add_gen", "{{- '<|end_of_all|>' if not add_generation_prompt -}}{%- if add_gen")


mutant(
    "header-lost-in-history",
    "answers in the history have no header, and the prompt has one (MolmoWeb)",
    source="https://huggingface.co/allenai/MolmoWeb-4B",
    base=CHAT,
    caught_by="chat_templates/generation-prompt",
    summary_contains=("<|im_start|>assistant", "in the history"),
)(replaced(ASSISTANT, "{%- generation"))


mutant(
    "blank-line-in-history",
    "a blank line follows the assistant's header in the history, and none in the prompt (Trinity)",
    source="https://huggingface.co/arcee-ai/Trinity-Large-Preview",
    base=CHAT,
    caught_by="chat_templates/generation-prompt",
    summary_contains=("in the history", "assistant\\n\\n"),
)(replaced(ASSISTANT, ASSISTANT.replace("assistant\\n'", "assistant\\n\\n'")))


@healthy(
    "prompt-opens-a-thought",
    "the prompt opens a thought, and an answer of the history without one only closes it, as GLM 4.7 does",
    base=CHAT,
    check="chat_templates/generation-prompt",
)
def prompt_opens_a_thought(directory: Path) -> None:
    edit_template(directory, PROMPT, PROMPT.replace("assistant\\n'", "assistant\\n<think>'"))
    thought = "('<think>' ~ message.reasoning_content if message.reasoning_content else '') ~ '</think>'"
    edit_template(directory, ASSISTANT, ASSISTANT.replace("assistant\\n'", f"assistant\\n' ~ {thought}"))


healthy(
    "prompt-begins-the-answer",
    "the prompt has the first words of an answer behind the header, as Apriel does",
    base=CHAT,
    check="chat_templates/generation-prompt",
)(replaced(PROMPT, PROMPT.replace("assistant\\n'", "assistant\\nMy reasoning steps:\\n'")))


@healthy(
    "eos-closes-answers",
    "the end-of-sequence token closes an answer in place of the turn's marker, as Olmo 3 does",
    base=CHAT,
    check="chat_templates/turn-markers-balance",
)
def eos_closes_answers(directory: Path) -> None:
    edit_template(directory, ANSWER_END, ANSWER_END.replace("'<|im_end|>'", "eos_token"))
    set_keys(directory / "tokenizer_config.json", eos_token="<|endoftext|>")
    edit_json(directory / "generation_config.json", lambda data: data.update(eos_token_id=[ENDOFTEXT, IM_END]))


healthy(
    "tags-in-prose",
    "the instructions mention a tag in a sentence, as GigaChat 3 does",
    base=CHAT,
    check="chat_templates/turn-markers-balance",
)(
    replaced(
        "{{- '# Tools\\n\\n",
        "{{- 'Results stand behind the tag <tool_response>. # Tools\\n\\n",
    )
)


mutant(
    "last-answer-open",
    "the last answer is closed only where another turn follows (Apertus)",
    source="https://huggingface.co/swiss-ai/Apertus-8B-Instruct-2509",
    base=CHAT,
    caught_by="chat_templates/turn-markers-balance",
    summary_contains=("finished", "<|im_start|>", "<|im_end|>"),
)(
    replaced(
        ANSWER_END,
        "{{- '' if loop.last else '<|im_end|>' -}}\n        {%- endgeneration -%}\n"
        "        {{- '' if loop.last else '\\n' -}}",
    )
)
