"""Rows about templates that write a known format slightly wrong."""

from __future__ import annotations

import json
from pathlib import Path

from selftests.gallery.edits import edit_template
from selftests.gallery.registry import CHAT, SENTENCEPIECE, mutant

OURS = ("<|im_start|>", "<|im_end|>", "<|pad|>", "<|endoftext|>")
"""The control tokens of the base."""
FORMAT = "chat_templates/agrees-with-family-reference"
IDS = "chat_templates/agrees-with-official-chat-encoder"
MISTRAL_3 = "mistral-v3-tokenizer"
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
LLAMA_3_TOKENS = ("<|start_header_id|>", "<|eot_id|>", "<|end_header_id|>")
GEMMA_TOKENS = ("<start_of_turn>", "<end_of_turn>")
DEEPSEEK_TOKENS = ("<｜User｜>", "<｜end▁of▁sentence｜>", "<｜Assistant｜>")
HARMONY_TOKENS = ("<|start|>", "<|end|>", "<|message|>", "<|channel|>")
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


def speak(directory: Path, turns: dict[str, tuple[str, str]], *, opening: str | None = None,
          start: str = "{{- bos_token -}}", tokens: tuple[str, ...] = ()) -> None:  # fmt: skip
    """Replaces the template by one with these turns; `tokens` take the places of the control tokens `OURS`."""
    heads, ends = ({role: around[side] for role, around in turns.items()} for side in (0, 1))
    prompt = opening or turns["assistant"][0]
    text = (
        f"{{%- set heads = {json.dumps(heads, ensure_ascii=False)} -%}}"
        f"{{%- set ends = {json.dumps(ends, ensure_ascii=False)} -%}}{start}"
        "{%- for message in messages -%}"
        "{{- heads[message.role] ~ message.content ~ ends[message.role] -}}"
        "{%- endfor -%}"
        f"{{%- if add_generation_prompt -%}}{{{{- {json.dumps(prompt, ensure_ascii=False)} -}}}}{{%- endif -%}}"
    )
    (directory / "chat_template.jinja").write_text(text, encoding="utf-8")
    for path in (directory / "tokenizer.json", directory / "tokenizer_config.json"):
        renamed = path.read_text(encoding="utf-8")
        for old, new in zip(OURS, tokens, strict=False):
            renamed = renamed.replace(old, new)
        path.write_text(renamed, encoding="utf-8")


def instruct(directory: Path, words: dict[str, str]) -> None:
    text = INSTRUCT
    for word, value in words.items():
        text = text.replace(word, value)
    (directory / "chat_template.jinja").write_text(text, encoding="utf-8")


@mutant(
    "C29",
    "[INST] lacks the space that the reference encoder writes",
    source="mistralai/mistral-common#3",
    base=SENTENCEPIECE,
    caught_by=FORMAT,
    severity="hazard",
    naming=("[INST]", "Mistral"),
)
def no_space_after_inst(directory: Path) -> None:
    edit_template(directory, "{{- '[INST] ' -}}", "{{- '[INST]' -}}")


@mutant(
    "F01",
    "a space instead of the newline in ChatML's header",
    source="https://github.com/openai/openai-python/blob/release-v0.28.0/chatml.md",
    base=CHAT,
    caught_by=FORMAT,
    severity="hazard",
    naming=("header of a user's turn", "ChatML"),
)
def space_in_the_header(directory: Path) -> None:
    edit_template(directory, "'<|im_start|>' ~ message.role ~ '\\n'", "'<|im_start|>' ~ message.role ~ ' '")


@mutant(
    "F02",
    "<|eot_id|> is missing after the system message",
    source=LLAMA,
    base=CHAT,
    caught_by=FORMAT,
    naming=("end of the system message", "<|eot_id|>", "Llama 3"),
)
def system_turn_left_open(directory: Path) -> None:
    speak(directory, LLAMA_3 | {"system": (LLAMA_3["system"][0], "")}, tokens=LLAMA_3_TOKENS)


@mutant(
    "F03",
    "one newline instead of two after Llama 3's headers",
    source="IBM/unitxt#945",
    base=CHAT,
    caught_by=FORMAT,
    naming=("header of a user's turn", "Llama 3"),
)
def one_newline(directory: Path) -> None:
    turns = {role: (head.replace("\n\n", "\n"), end) for role, (head, end) in LLAMA_3.items()}
    speak(directory, turns, tokens=LLAMA_3_TOKENS)


@mutant(
    "F04",
    "Gemma's answers are headed assistant instead of model",
    source="https://ai.google.dev/gemma/docs/core/prompt-structure",
    base=CHAT,
    caught_by=FORMAT,
    naming=("assistant", "model", "Gemma"),
)
def assistant_instead_of_model(directory: Path) -> None:
    speak(directory, GEMMA | {"assistant": ("<start_of_turn>assistant\n", "<end_of_turn>\n")}, tokens=GEMMA_TOKENS)


@mutant(
    "F05",
    "DeepSeek's control tokens are written with half-width bars",
    source="https://huggingface.co/deepseek-ai/DeepSeek-V3.1#chat-template",
    base=CHAT,
    caught_by=FORMAT,
    naming=("<|User|>", "<｜User｜>", "DeepSeek"),
)
def half_width_bars(directory: Path) -> None:
    turns = {role: (head.replace("｜", "|"), end) for role, (head, end) in DEEPSEEK.items()}
    speak(directory, turns, tokens=DEEPSEEK_TOKENS)


@mutant(
    "F06",
    "Llama 2's system message stands in the last turn",
    source="https://www.llama.com/docs/model-cards-and-prompt-formats/meta-llama-2/",
    base=SENTENCEPIECE,
    caught_by=FORMAT,
    severity="hazard",
    naming=("<<SYS>>", "Llama 2"),
)
def system_in_the_last_turn(directory: Path) -> None:
    instruct(directory, LLAMA_2 | {"PLACE": LAST_QUESTION})


@mutant(
    "F07",
    "an answer of harmony has no channel",
    source="https://github.com/openai/harmony/blob/main/docs/format.md",
    base=CHAT,
    caught_by=FORMAT,
    naming=("header of an assistant's turn", "<|channel|>", "harmony"),
)
def no_channel(directory: Path) -> None:
    turns = HARMONY | {"assistant": ("<|start|>assistant<|message|>", "<|end|>")}
    speak(directory, turns, opening="<|start|>assistant", start="", tokens=HARMONY_TOKENS)


@mutant(
    "F08",
    "the developer's instructions end in a blank line that harmony does not write",
    source="openai/gpt-oss-120b's template; https://github.com/openai/harmony/blob/main/docs/format.md",
    base=CHAT,
    caught_by=FORMAT,
    severity="hazard",
    naming="openai-harmony",
)
def blank_line_in_the_instructions(directory: Path) -> None:
    turns = HARMONY | {"system": (HARMONY["system"][0], "\n\n<|end|>")}
    speak(directory, turns, opening="<|start|>assistant", start="", tokens=HARMONY_TOKENS)


@mutant(
    "F09",
    "the system message is dropped when the conversation ends in an answer",
    source="mistralai/Mistral-7B-Instruct-v0.3's template; https://github.com/mistralai/mistral-common",
    base=SENTENCEPIECE,
    caught_by=FORMAT,
    severity="hazard",
    naming=("system message is dropped", "Mistral v3"),
)
def system_dropped_before_an_answer(directory: Path) -> None:
    instruct(directory, MISTRAL | {"PLACE": "loop.last"})


@mutant(
    "F10",
    "the prompt closes DeepSeek's thinking before it begins",
    source="https://github.com/deepseek-ai/DeepSeek-R1#usage-recommendations",
    base=CHAT,
    caught_by=FORMAT,
    severity="hazard",
    naming=("<think>", "DeepSeek"),
)
def thinking_closed(directory: Path) -> None:
    speak(directory, DEEPSEEK, opening="<｜Assistant｜><think>\n\n</think>\n\n", tokens=DEEPSEEK_TOKENS)


@mutant(
    "F11",
    "the template writes a space that the tokenizer adds too",
    source="huggingface/transformers#26891",
    base=MISTRAL_3,
    caught_by=IDS,
    naming=("InstructTokenizerV3", "▁"),
)
def two_spaces_after_inst(directory: Path) -> None:
    edit_template(directory, "'[INST]' ~", "'[INST] ' ~")
    edit_template(directory, "{{- message.content.rstrip(' ')", "{{- ' ' ~ message.content.rstrip(' ')")
