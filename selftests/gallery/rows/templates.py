"""Rows about chat templates."""

from __future__ import annotations

from pathlib import Path

from selftests.gallery.edits import edit_json, edit_template, edit_tokenizer, prepend_template, set_keys
from selftests.gallery.registry import CHAT, SENTENCEPIECE, mutant

END_OF_ASSISTANT = "            {{- '<|im_end|>' -}}\n        {%- endgeneration -%}"
USER_CONTENT = "~ text(message.content) ~ '<|im_end|>\\n' -}}"
CALL = "    {%- if function.arguments is string -%}\n        {{- function.arguments -}}\n    {%- else -%}"


@mutant(
    "C01",
    "the template writes BOS and the tokenizer adds another",
    source="huggingface/transformers#37686",
    base=CHAT,
    caught_by="chat_templates/one-bos-when-retokenized",
    severity="hazard",
    naming="<|endoftext|>",
)
def bos_in_template_and_tokenizer(directory: Path) -> None:
    prepend_template(directory, "{{- bos_token -}}")
    bos = {"id": "<|endoftext|>", "type_id": 0}
    template = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": bos}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [
            {"SpecialToken": bos},
            {"Sequence": {"id": "A", "type_id": 0}},
            {"Sequence": {"id": "B", "type_id": 1}},
        ],
        "special_tokens": {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [0], "tokens": ["<|endoftext|>"]}},
    }
    edit_tokenizer(directory, lambda data: data.update(post_processor=template))


@mutant(
    "S01",
    "the template writes BOS twice",
    source="deepseek-ai/DeepSeek-R1#151",
    base=SENTENCEPIECE,
    caught_by="chat_templates/one-bos",
    naming="<s>",
)
def bos_twice(directory: Path) -> None:
    prepend_template(directory, "{{- bos_token -}}")


@mutant(
    "C03",
    "the generation-prompt block is lost",
    source="danielhanchen/unsloth-staging-2#49",
    base=CHAT,
    caught_by="chat_templates/generation-prompt",
    naming="add_generation_prompt",
)
def no_generation_prompt(directory: Path) -> None:
    edit_template(directory, "{%- if add_generation_prompt -%}", "{%- if false -%}")


@mutant(
    "S02",
    "the generation prompt opens another role's turn",
    source="own",
    base=CHAT,
    caught_by="chat_templates/generation-prompt",
    naming="assistant",
)
def generation_prompt_of_another_role(directory: Path) -> None:
    edit_template(
        directory,
        "{%- if add_generation_prompt -%}\n    {{- '<|im_start|>assistant\\n' -}}",
        "{%- if add_generation_prompt -%}\n    {{- '<|im_start|>model\\n' -}}",
    )


@mutant(
    "C07",
    "a user turn after a tool result cannot be rendered",
    base=CHAT,
    naming="tool's result",
    source="Blackwellboy/model-serving-minefield trap 84",
    caught_by="chat_templates/tool-round-trip",
    severity="hazard",
)
def no_user_after_tool(directory: Path) -> None:
    guard = (
        "{%- if message.role == 'user' and not loop.first and loop.previtem.role == 'tool' -%}"
        "{{- raise_exception('Roles must alternate.') -}}{%- endif -%}"
    )
    edit_template(directory, "{%- for message in messages -%}\n", "{%- for message in messages -%}\n" + guard)


@mutant(
    "C10",
    "the prompt changes with the clock",
    source="huggingface/trl llama3_2.jinja",
    base=CHAT,
    caught_by="chat_templates/clock-independent",
    severity="hazard",
    naming="clock",
)
def date_in_prompt(directory: Path) -> None:
    edit_template(
        directory,
        "{{- '<|im_start|>system\\n' -}}",
        "{{- '<|im_start|>system\\nToday is ' ~ strftime_now('%d %B %Y') ~ '. ' -}}",
    )


@mutant(
    "C12",
    "earlier turns are rewritten when a turn is appended",
    source="QwenLM/Qwen3#1826",
    base=CHAT,
    caught_by="chat_templates/prefix-stable",
    severity="hazard",
    naming="rewrites what was rendered before",
)
def history_rewrite(directory: Path) -> None:
    edit_template(
        directory,
        "{{- '<|im_start|>assistant\\n' -}}\n        {%- generation",
        "{{- '<|im_start|>assistant\\n' ~ ('<think>\\n\\n</think>\\n\\n' if loop.last else '') -}}\n"
        "        {%- generation",
    )


@mutant(
    "C15",
    "the assistant's turn ends without a stop token",
    source="huggingface/trl#5988",
    base=CHAT,
    caught_by="chat_templates/end-of-turn-stops",
    naming="stop",
)
def no_end_of_turn(directory: Path) -> None:
    edit_template(directory, END_OF_ASSISTANT, "        {%- endgeneration -%}")


@mutant(
    "C16",
    "the last assistant turn loses its end-of-turn token",
    source="huggingface/trl#5526",
    base=CHAT,
    caught_by="chat_templates/end-of-turn-stops",
    naming="stop",
)
def last_turn_left_open(directory: Path) -> None:
    open_ended = END_OF_ASSISTANT.replace("'<|im_end|>'", "'<|im_end|>' if not loop.last")
    edit_template(directory, END_OF_ASSISTANT, open_ended)


@mutant(
    "C18",
    "the template reaches for Python's internals",
    base=CHAT,
    naming=("internals", "__class__"),
    source="mitre/secure-coding-case-studies#74 (CVE-2024-34359)",
    caught_by="chat_templates/no-escape",
)
def sandbox_escape(directory: Path) -> None:
    prepend_template(directory, "{{ ''.__class__.__mro__[1].__subclasses__() }}")


@mutant(
    "C20",
    "arguments as a JSON string break the template",
    source="huggingface/transformers#48120",
    base=CHAT,
    caught_by="chat_templates/tool-arguments",
    severity="hazard",
    naming="JSON text",
)
def items_of_a_string(directory: Path) -> None:
    edit_template(
        directory,
        CALL,
        "    {%- if false -%}\n    {%- else -%}{%- for k, v in function.arguments | items -%}{%- endfor -%}",
    )


@mutant(
    "C21",
    "arguments that are not a mapping vanish",
    source="Blackwellboy/model-serving-minefield trap 43",
    base=CHAT,
    caught_by="chat_templates/tool-arguments",
    naming="arguments",
)
def arguments_vanish(directory: Path) -> None:
    edit_template(directory, "        {{- function.arguments -}}\n    {%- else -%}", "    {%- else -%}")


@mutant(
    "C27",
    "'/no_think' in a user's text is obeyed and deleted",
    base=CHAT,
    naming="/no_think",
    source="Blackwellboy/model-serving-minefield trap 66",
    caught_by="chat_templates/content-verbatim",
)
def toggle_eaten(directory: Path) -> None:
    edit_template(directory, USER_CONTENT, "~ text(message.content).replace('/no_think', '') ~ '<|im_end|>\\n' -}}")


@mutant(
    "S03", "content is HTML-escaped", source="own", base=CHAT, caught_by="chat_templates/content-verbatim", naming="&"
)
def html_escaped(directory: Path) -> None:
    edit_template(directory, USER_CONTENT, "~ (text(message.content) | e) ~ '<|im_end|>\\n' -}}")


@mutant(
    "S04",
    "content is lower-cased",
    source="own",
    base=CHAT,
    caught_by="chat_templates/content-verbatim",
    naming="content",
)
def lower_cased(directory: Path) -> None:
    edit_template(directory, USER_CONTENT, "~ (text(message.content) | lower) ~ '<|im_end|>\\n' -}}")


@mutant(
    "S05",
    "the template has a syntax error",
    source="own",
    base=CHAT,
    caught_by="chat_templates/renders",
    naming="Syntax",
)
def syntax_error(directory: Path) -> None:
    prepend_template(directory, "{% if %}")


@mutant(
    "G01",
    "the end-of-turn token is missing from the stop tokens",
    source="vllm-project/vllm#4180",
    base=CHAT,
    caught_by="chat_templates/end-of-turn-stops",
    naming="<|im_end|>",
)
def end_of_turn_not_in_eos(directory: Path) -> None:
    set_keys(directory / "generation_config.json", eos_token_id=0)


@mutant(
    "T26",
    "the base model's eos is kept beside a ChatML template",
    source="QwenLM/Qwen3#927",
    base=CHAT,
    caught_by="chat_templates/end-of-turn-stops",
    naming="<|im_end|>",
)
def base_eos_kept(directory: Path) -> None:
    set_keys(
        directory / "tokenizer_config.json",
        eos_token="<|endoftext|>",
        additional_special_tokens=["<|im_start|>", "<|im_end|>"],
    )
    set_keys(directory / "config.json", eos_token_id=0)
    (directory / "generation_config.json").unlink()


@mutant(
    "S06",
    "the model ends its turn and generation goes on",
    source="vllm-project/vllm#4182",
    base=CHAT,
    caught_by="generation/stops-at-end-of-turn",
    naming="<|im_end|>",
)
def generation_goes_on(directory: Path) -> None:
    edit_json(directory / "generation_config.json", lambda data: data.update(eos_token_id=[0]))
