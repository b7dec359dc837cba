"""Defects of the assistant mask that training uses."""

from __future__ import annotations

from pathlib import Path

from selftests.gallery.edits.files import edit_template, edit_tokenizer, set_keys
from selftests.gallery.edits.templates import replaced
from selftests.gallery.registry import CHAT, mutant

OPENS = "{%- generation -%}"
CLOSES = "{%- endgeneration -%}"
CALLS = """            {%- for tool_call in message.tool_calls or [] -%}
                {{- '\\n' if content or not loop.first -}}
                {{- call(tool_call) -}}
            {%- endfor -%}
            {{- '<|im_end|>' -}}
        {%- endgeneration -%}
"""
BEFORE_CALLS = """        {%- generation -%}
            {%- set content = text(message.content) -%}
            {{- content -}}
"""
RESULT = "text(message.content) ~ '\\n</tool_response>"
CLOSING = "            {{- '<|im_end|>' -}}\n        {%- endgeneration -%}"
USER = "{{- '<|im_start|>' ~ message.role ~ '\\n' ~ text(message.content) ~ '<|im_end|>\\n' -}}"

mutant(
    "mask-without-tool-calls",
    "calls of tools are left out of the mask",
    number="CX15",
    source="huggingface/trl chat_templates/README.md (training templates with tools)",
    base=CHAT,
    caught_by="chat_templates/assistant-mask",
    summary_contains=("leaves out", "answer 1 of 4"),
)(
    replaced(
        BEFORE_CALLS + CALLS,
        "{%- set content = text(message.content) -%}{%- if message.tool_calls -%}{{- content -}}"
        + CALLS.replace(CLOSES, "{%- else -%}{%- generation -%}{{- content ~ '<|im_end|>' -}}{%- endgeneration -%}")
        + "{%- endif -%}",
    )
)


mutant(
    "mask-covers-tool-results",
    "results of tools are marked as generated",
    number="CX16",
    source="own",
    base=CHAT,
    caught_by="chat_templates/assistant-mask",
    summary_contains="outside of the assistant's answers",
)(
    replaced(
        f"{{{{- '>\\n' ~ {RESULT}",
        f"{{{{- '>\\n' -}}}}{OPENS}{{{{- text(message.content) -}}}}{CLOSES}{{{{- '\\n</tool_response>",
    )
)


mutant(
    "mask-without-end-after-call",
    "the end of a turn that calls a tool is left out of the mask",
    number="CX17",
    source="huggingface/trl#5988",
    base=CHAT,
    caught_by="chat_templates/assistant-mask",
    summary_contains=("<|im_end|>", "answer 1 of 4", "where to stop"),
)(
    replaced(
        "            {{- '<|im_end|>' -}}\n        {%- endgeneration -%}",
        "            {{- '<|im_end|>' if not message.tool_calls -}}\n        {%- endgeneration -%}"
        "{{- '<|im_end|>' if message.tool_calls -}}",
    )
)


def trim_offsets(directory: Path) -> None:
    """The default of byte-level tokenizers: spaces belong to no token's offsets."""
    edit_tokenizer(directory, lambda data: data["post_processor"].update(trim_offsets=True))


@mutant(
    "mask-runs-to-end",
    "the mask runs to the end of the conversation, because the block ends in a space that no token's offsets hold",
    number="C14",
    source="huggingface/transformers#47325",
    base=CHAT,
    caught_by="chat_templates/assistant-mask",
    summary_contains="outside of the assistant's answers",
)
def mask_runs_to_end(directory: Path) -> None:
    trim_offsets(directory)
    edit_template(directory, CLOSING, CLOSING.replace("'<|im_end|>'", "'<|im_end|> '"))


@mutant(
    "mask-lost-after-space",
    "an answer that starts with a space, and all after it, are left out of the mask",
    number="CK07",
    source="huggingface/transformers#47325",
    base=CHAT,
    caught_by="chat_templates/assistant-mask",
    severity="hazard",
    summary_contains=("starts with a space", "leaves out"),
)
def mask_lost_after_space(directory: Path) -> None:
    trim_offsets(directory)


@mutant(
    "mask-without-end-of-turn",
    "the mask leaves out the end of the turn",
    number="CK08",
    source="huggingface/trl#5988",
    base=CHAT,
    caught_by="chat_templates/assistant-mask",
    summary_contains=("<|im_end|>", "where to stop"),
)
def mask_without_end_of_turn(directory: Path) -> None:
    edit_template(directory, CLOSING, "        {%- endgeneration -%}\n{{- '<|im_end|>' -}}")


@mutant(
    "mask-covers-user",
    "the user's words are marked as generated",
    number="CK09",
    source="own",
    base=CHAT,
    caught_by="chat_templates/assistant-mask",
    summary_contains="outside of the assistant's answers",
)
def mask_covers_user(directory: Path) -> None:
    edit_template(directory, USER, f"{{%- generation -%}}{USER}{{%- endgeneration -%}}")


@mutant(
    "mask-lost-by-left-truncation",
    "truncation on the left loses the whole mask",
    number="CK10",
    source="huggingface/trl#3927",
    base=CHAT,
    caught_by="chat_templates/assistant-mask",
    severity="hazard",
    summary_contains=("left", "mask"),
)
def mask_lost_by_left_truncation(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", truncation_side="left")
