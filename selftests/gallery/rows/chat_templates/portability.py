"""Defects of chat templates that only one engine renders."""

from __future__ import annotations

from pathlib import Path

from selftests.gallery.edits.files import prepend_template
from selftests.gallery.registry import CHAT, SENTENCEPIECE, healthy, mutant


@mutant(
    "template-hard-codes-date",
    "an old date where strftime_now is missing",
    number="C11",
    source="oobabooga/textgen#6692",
    base=CHAT,
    caught_by="chat_templates/renders-without-clock",
    severity="hazard",
    summary_contains=("strftime_now", "26 Jul 2024"),
)
def template_hard_codes_date(directory: Path) -> None:
    today = "strftime_now('%d %b %Y') if strftime_now is defined else '26 Jul 2024'"
    prepend_template(directory, "{{- '<|im_start|>system\\nToday is ' ~ (" + today + ") ~ '<|im_end|>\\n' -}}")


@mutant(
    "raw-block-for-llama-cpp",
    "a block that llama.cpp cannot parse",
    number="Z22",
    source="own, as in Fanar 2",
    base=CHAT,
    caught_by="chat_templates/same-in-llama-cpp",
    severity="hazard",
    summary_contains=("llama.cpp", "raw"),
)
def raw_block_for_llama_cpp(directory: Path) -> None:
    prepend_template(directory, "{%- raw -%}{%- endraw -%}")


@mutant(
    "generation-tag-for-minijinja",
    "a block that only transformers knows",
    number="Z19",
    source="mitsuhiko/minijinja#815",
    base=SENTENCEPIECE,
    caught_by="chat_templates/same-in-minijinja",
    severity="hazard",
    summary_contains=("minijinja", "generation", "line 1"),
)
def generation_tag_for_minijinja(directory: Path) -> None:
    prepend_template(directory, "{%- generation -%}{%- endgeneration -%}")


@mutant(
    "length-of-none",
    "None counts as iterable",
    number="Z20",
    source="ai-dynamo/dynamo#3340",
    base=SENTENCEPIECE,
    caught_by="chat_templates/same-in-minijinja",
    severity="hazard",
    summary_contains=("length of value of type none", "is iterable", "line 1"),
)
def length_of_none(directory: Path) -> None:
    prepend_template(directory, "{%- if tools is iterable and tools | length > 0 -%}{%- endif -%}")


@mutant(
    "percent-formatting",
    "Python's way to format text",
    number="Z21",
    source="own",
    base=SENTENCEPIECE,
    caught_by="chat_templates/same-in-minijinja",
    severity="hazard",
    summary_contains=("% operator", "line 1"),
)
def percent_formatting(directory: Path) -> None:
    prepend_template(directory, "{%- set count = '%d messages' % (messages | length) -%}\n")


@mutant(
    "generation-tag-without-spaces",
    "the marks of what training is on are spelled as no server knows them",
    number="CX28",
    source="EricLBuehler/mistral.rs, ai-dynamo/dynamo: both remove {% generation %} to the letter",
    base=SENTENCEPIECE,
    caught_by="chat_templates/same-in-minijinja",
    severity="hazard",
    summary_contains=("minijinja", "generation"),
)
def generation_tag_without_spaces(directory: Path) -> None:
    prepend_template(directory, "{% generation %}{% endgeneration %}{% generation%}{% endgeneration%}")


@healthy(
    "namespace-in-a-loop",
    "the template keeps state in a namespace, which every engine has",
    base=SENTENCEPIECE,
    check="chat_templates/same-in-minijinja",
)
def namespace_in_a_loop(directory: Path) -> None:
    prepend_template(
        directory,
        "{%- set seen = namespace(question=false) -%}{%- for message in messages -%}"
        "{%- if message.role == 'user' -%}{%- set seen.question = true -%}{%- endif -%}{%- endfor -%}",
    )


@healthy(
    "date-where-there-is-a-clock",
    "the date of today is left out where strftime_now is missing",
    base=CHAT,
    check="chat_templates/renders-without-clock",
)
def date_where_there_is_a_clock(directory: Path) -> None:
    today = "{{- '<|im_start|>system\\nToday is ' ~ strftime_now('%d %b %Y') ~ '<|im_end|>\\n' -}}"
    prepend_template(directory, "{%- if strftime_now is defined -%}" + today + "{%- endif -%}")
