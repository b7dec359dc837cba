"""Defects of templates that write a family's format of conversations slightly wrong."""

from __future__ import annotations

from pathlib import Path

from selftests.gallery.edits.files import edit_template, prepend_template
from selftests.gallery.edits.templates import HARMONY_TOKENS, LLAMA_3_TOKENS, write_format
from selftests.gallery.registry import CHAT, SENTENCEPIECE, healthy, mutant

LLAMA = "https://www.llama.com/docs/model-cards-and-prompt-formats/meta-llama-3/"
LLAMA_3 = {
    "system": ("<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>"),
    "user": ("<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"),
    "assistant": ("<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>"),
}
GEMMA = {
    "user": ("<start_of_turn>user\n", "<end_of_turn>\n"),
    "assistant": ("<start_of_turn>model\n", "<end_of_turn>\n"),
}
DEEPSEEK = {
    "system": ("", ""),
    "user": ("<｜User｜>", ""),
    "assistant": ("<｜Assistant｜>", "<｜end▁of▁sentence｜>"),
}
HARMONY = {
    "system": ("<|start|>developer<|message|># Instructions\n\n", "<|end|>"),
    "user": ("<|start|>user<|message|>", "<|end|>"),
    "assistant": ("<|start|>assistant<|channel|>final<|message|>", "<|end|>"),
}
GEMMA_TOKENS = ("<start_of_turn>", "<end_of_turn>")
DEEPSEEK_TOKENS = ("<｜User｜>", "<｜end▁of▁sentence｜>", "<｜Assistant｜>")
INSTRUCT = """{{- bos_token -}}
{%- set system = messages[0].content if messages[0].role == 'system' else none -%}
{%- set turns = messages[1:] if system is not none else messages -%}
{%- for message in turns -%}
    {%- if message.role == 'user' -%}
        {{- AGAIN -}}
        {{- '[INST] ' -}}
        {%- if system is not none and PLACE -%}{{- OPEN ~ system ~ CLOSE -}}{%- endif -%}
        {{- message.content ~ END -}}
    {%- else -%}
        {{- ' ' ~ message.content ~ GAP ~ eos_token -}}
    {%- endif -%}
{%- endfor -%}
"""
"""The formats with [INST]; the words in capitals are replaced."""
LLAMA_2 = {"AGAIN": "'' if loop.first else bos_token", "OPEN": "'<<SYS>>\\n'", "CLOSE": "'\\n<</SYS>>\\n\\n'",
           "END": "' [/INST]'", "GAP": "' '", "PLACE": "loop.first"}  # fmt: skip
LAST_QUESTION = "message == (turns | selectattr('role', 'equalto', 'user') | list)[-1]"
MISTRAL = {"AGAIN": "''", "OPEN": "''", "CLOSE": "'\\n\\n'", "END": "'[/INST]'", "GAP": "''",
           "PLACE": LAST_QUESTION}  # fmt: skip


@mutant(
    "inst-without-space",
    "[INST] lacks the space that the reference encoder writes",
    number="C29",
    source="mistralai/mistral-common#3",
    base=SENTENCEPIECE,
    caught_by="chat_templates/agrees-with-family-reference",
    severity="hazard",
    summary_contains=("[INST]", "Mistral"),
)
def inst_without_space(directory: Path) -> None:
    edit_template(directory, "{{- '[INST] ' -}}", "{{- '[INST]' -}}")


@mutant(
    "chatml-space-for-newline",
    "a space instead of the newline in ChatML's header",
    number="F01",
    source="https://github.com/openai/openai-python/blob/release-v0.28.0/chatml.md",
    base=CHAT,
    caught_by="chat_templates/agrees-with-family-reference",
    severity="hazard",
    summary_contains=("header of a user's turn", "ChatML"),
)
def chatml_space_for_newline(directory: Path) -> None:
    edit_template(directory, "'<|im_start|>' ~ message.role ~ '\\n'", "'<|im_start|>' ~ message.role ~ ' '")


@mutant(
    "llama3-system-turn-open",
    "<|eot_id|> is missing after the system message",
    number="F02",
    source=LLAMA,
    base=CHAT,
    caught_by="chat_templates/agrees-with-family-reference",
    summary_contains=("end of the system message", "<|eot_id|>", "Llama 3"),
)
def llama3_system_turn_open(directory: Path) -> None:
    write_format(directory, LLAMA_3 | {"system": (LLAMA_3["system"][0], "")}, tokens=LLAMA_3_TOKENS)


@mutant(
    "llama3-single-newline",
    "one newline instead of two after Llama 3's headers",
    number="F03",
    source="IBM/unitxt#945",
    base=CHAT,
    caught_by="chat_templates/agrees-with-family-reference",
    summary_contains=("header of a user's turn", "Llama 3"),
)
def llama3_single_newline(directory: Path) -> None:
    turns = {role: (head.replace("\n\n", "\n"), end) for role, (head, end) in LLAMA_3.items()}
    write_format(directory, turns, tokens=LLAMA_3_TOKENS)


@mutant(
    "gemma-assistant-for-model",
    "Gemma's answers are headed assistant instead of model",
    number="F04",
    source="https://ai.google.dev/gemma/docs/core/prompt-structure",
    base=CHAT,
    caught_by="chat_templates/agrees-with-family-reference",
    summary_contains=("assistant", "model", "Gemma"),
)
def gemma_assistant_for_model(directory: Path) -> None:
    write_format(
        directory, GEMMA | {"assistant": ("<start_of_turn>assistant\n", "<end_of_turn>\n")}, tokens=GEMMA_TOKENS
    )


@mutant(
    "deepseek-half-width-bars",
    "DeepSeek's control tokens are written with half-width bars",
    number="F05",
    source="https://huggingface.co/deepseek-ai/DeepSeek-V3.1#chat-template",
    base=CHAT,
    caught_by="chat_templates/agrees-with-family-reference",
    summary_contains=("<|User|>", "<｜User｜>", "DeepSeek"),
)
def deepseek_half_width_bars(directory: Path) -> None:
    turns = {role: (head.replace("｜", "|"), end) for role, (head, end) in DEEPSEEK.items()}
    write_format(directory, turns, tokens=DEEPSEEK_TOKENS)


def instruct(directory: Path, words: dict[str, str]) -> None:
    text = INSTRUCT
    for word, value in words.items():
        text = text.replace(word, value)
    (directory / "chat_template.jinja").write_text(text, encoding="utf-8")


@mutant(
    "llama2-system-in-last-turn",
    "Llama 2's system message is in the last turn",
    number="F06",
    source="https://www.llama.com/docs/model-cards-and-prompt-formats/meta-llama-2/",
    base=SENTENCEPIECE,
    caught_by="chat_templates/agrees-with-family-reference",
    severity="hazard",
    summary_contains=("<<SYS>>", "Llama 2"),
)
def llama2_system_in_last_turn(directory: Path) -> None:
    instruct(directory, LLAMA_2 | {"PLACE": LAST_QUESTION})


@mutant(
    "harmony-answer-without-channel",
    "an answer of harmony has no channel",
    number="F07",
    source="https://github.com/openai/harmony/blob/main/docs/format.md",
    base=CHAT,
    caught_by="chat_templates/agrees-with-family-reference",
    summary_contains=("header of an assistant's turn", "<|channel|>", "harmony"),
)
def harmony_answer_without_channel(directory: Path) -> None:
    turns = HARMONY | {"assistant": ("<|start|>assistant<|message|>", "<|end|>")}
    write_format(directory, turns, opening="<|start|>assistant", start="", tokens=HARMONY_TOKENS)


@mutant(
    "harmony-blank-line-in-instructions",
    "the developer's instructions end in a blank line that harmony does not write",
    number="F08",
    source="openai/gpt-oss-120b's template; https://github.com/openai/harmony/blob/main/docs/format.md",
    base=CHAT,
    caught_by="chat_templates/agrees-with-family-reference",
    severity="hazard",
    summary_contains="openai-harmony",
)
def harmony_blank_line_in_instructions(directory: Path) -> None:
    turns = HARMONY | {"system": (HARMONY["system"][0], "\n\n<|end|>")}
    write_format(directory, turns, opening="<|start|>assistant", start="", tokens=HARMONY_TOKENS)


@mutant(
    "system-dropped-before-answer",
    "the system message is dropped when the conversation ends in an answer",
    number="F09",
    source="mistralai/Mistral-7B-Instruct-v0.3's template; https://github.com/mistralai/mistral-common",
    base=SENTENCEPIECE,
    caught_by="chat_templates/agrees-with-family-reference",
    severity="hazard",
    summary_contains=("system message is dropped", "Mistral v3"),
)
def system_dropped_before_answer(directory: Path) -> None:
    instruct(directory, MISTRAL | {"PLACE": "loop.last"})


@mutant(
    "deepseek-thinking-closed-early",
    "the prompt closes DeepSeek's thinking before it begins",
    number="F10",
    source="https://github.com/deepseek-ai/DeepSeek-R1#usage-recommendations",
    base=CHAT,
    caught_by="chat_templates/agrees-with-family-reference",
    severity="hazard",
    summary_contains=("<think>", "DeepSeek"),
)
def deepseek_thinking_closed_early(directory: Path) -> None:
    write_format(directory, DEEPSEEK, opening="<｜Assistant｜><think>\n\n</think>\n\n", tokens=DEEPSEEK_TOKENS)


@mutant(
    "inst-with-two-spaces",
    "the template writes a space that the tokenizer adds too",
    number="F11",
    source="huggingface/transformers#26891",
    base="mistral-v3-tokenizer",
    caught_by="chat_templates/agrees-with-official-chat-encoder",
    summary_contains=("InstructTokenizerV3", "▁"),
)
def inst_with_two_spaces(directory: Path) -> None:
    edit_template(directory, "'[INST]' ~", "'[INST] ' ~")
    edit_template(directory, "{{- message.content.rstrip(' ')", "{{- ' ' ~ message.content.rstrip(' ')")


@healthy(
    "llama3-as-documented",
    "a vocabulary of its own with the conversation format of Llama 3",
    base=CHAT,
    check="chat_templates/agrees-with-family-reference",
)
def llama3_as_documented(directory: Path) -> None:
    write_format(directory, LLAMA_3, tokens=LLAMA_3_TOKENS)


@healthy(
    "gemma-as-documented",
    "a vocabulary of its own with the conversation format of Gemma, which has no system role",
    base=CHAT,
    check="chat_templates/agrees-with-family-reference",
)
def gemma_as_documented(directory: Path) -> None:
    write_format(directory, GEMMA, tokens=GEMMA_TOKENS)
    prepend_template(
        directory,
        "{%- if messages[0].role == 'system' -%}{{- raise_exception('System role not supported') -}}{%- endif -%}",
    )
