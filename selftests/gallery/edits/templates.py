"""Pieces of the chat template of `tiny-text-generation`, and other templates to replace it with."""

from __future__ import annotations

import json
from pathlib import Path

from selftests.gallery.edits.files import edit_template
from selftests.gallery.registry import Edit

CONTROL_TOKENS = ("<|im_start|>", "<|im_end|>", "<|pad|>", "<|endoftext|>")
"""The control tokens of the base."""
LLAMA_3_TOKENS = ("<|start_header_id|>", "<|eot_id|>", "<|end_header_id|>")
HARMONY_TOKENS = ("<|start|>", "<|end|>", "<|message|>", "<|channel|>")
USER_TURN = "~ text(message.content) ~ '<|im_end|>\\n' -}}"
RESULT_END = "~ text(message.content) ~ '\\n</tool_response><|im_end|>\\n' -}}"
PROMPT = "{%- if add_generation_prompt -%}\n    {{- '<|im_start|>assistant\\n' -}}"


def template(directory: Path) -> str:
    return (directory / "chat_template.jinja").read_text(encoding="utf-8")


def add_processor(directory: Path) -> None:
    (directory / "processor_config.json").write_text('{"processor_class": "LlavaProcessor"}', encoding="utf-8")


def write_format(directory: Path, turns: dict[str, tuple[str, str]], *, opening: str | None = None,
          start: str = "{{- bos_token -}}", tokens: tuple[str, ...] = ()) -> None:  # fmt: skip
    """Writes a template with these turns, and renames the control tokens of the base to `tokens`."""
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
        for old, new in zip(CONTROL_TOKENS, tokens, strict=False):
            renamed = renamed.replace(old, new)
        path.write_text(renamed, encoding="utf-8")


def replaced(old: str, new: str) -> Edit:
    """An edit that replaces one piece of the template."""
    return lambda directory: edit_template(directory, old, new)
