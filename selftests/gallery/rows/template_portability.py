"""Rows about chat templates that only one engine renders."""

from __future__ import annotations

from pathlib import Path

from selftests.gallery.edits import prepend_template
from selftests.gallery.registry import CHAT, SENTENCEPIECE, mutant


@mutant(
    "C11",
    "an old date where strftime_now is missing",
    source="oobabooga/textgen#6692",
    base=CHAT,
    caught_by="chat_templates/renders-without-clock",
    severity="hazard",
    naming=("strftime_now", "26 Jul 2024"),
)
def old_date_without_clock(directory: Path) -> None:
    today = "strftime_now('%d %b %Y') if strftime_now is defined else '26 Jul 2024'"
    prepend_template(directory, "{{- '<|im_start|>system\\nToday is ' ~ (" + today + ") ~ '<|im_end|>\\n' -}}")


@mutant(
    "Z19",
    "a block that only transformers knows",
    source="mitsuhiko/minijinja#815",
    base=SENTENCEPIECE,
    caught_by="chat_templates/same-in-minijinja",
    severity="hazard",
    naming=("minijinja", "generation", "line 1"),
)
def generation_block(directory: Path) -> None:
    prepend_template(directory, "{%- generation -%}{%- endgeneration -%}")


@mutant(
    "Z20",
    "None counts as iterable",
    source="ai-dynamo/dynamo#3340",
    base=SENTENCEPIECE,
    caught_by="chat_templates/same-in-minijinja",
    severity="hazard",
    naming=("length of value of type none", "is iterable", "line 1"),
)
def length_of_none(directory: Path) -> None:
    prepend_template(directory, "{%- if tools is iterable and tools | length > 0 -%}{%- endif -%}")


@mutant(
    "Z21",
    "Python's way to format text",
    source="own",
    base=SENTENCEPIECE,
    caught_by="chat_templates/same-in-minijinja",
    severity="hazard",
    naming=("% operator", "line 1"),
)
def format_operator(directory: Path) -> None:
    prepend_template(directory, "{%- set count = '%d messages' % (messages | length) -%}\n")


@mutant(
    "Z22",
    "a block that llama.cpp cannot parse",
    source="own, as in Fanar 2",
    base=CHAT,
    caught_by="chat_templates/same-in-llama-cpp",
    severity="hazard",
    naming=("llama.cpp", "raw"),
)
def raw_block(directory: Path) -> None:
    prepend_template(directory, "{%- raw -%}{%- endraw -%}")


@mutant(
    "CX28",
    "the marks of what training is on are spelled as no server knows them",
    source="EricLBuehler/mistral.rs, ai-dynamo/dynamo: both remove {% generation %} to the letter",
    base=SENTENCEPIECE,
    caught_by="chat_templates/same-in-minijinja",
    severity="hazard",
    naming=("minijinja", "generation"),
)
def generation_block_with_a_space_less(directory: Path) -> None:
    prepend_template(directory, "{% generation %}{% endgeneration %}{% generation%}{% endgeneration%}")
