"""Names and values of capabilities and metrics in older records, baselines, manifests and policies.

A rule names no current name and no current value, so that what is current passes unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

NAMES = {
    "chat.arguments_as_text": "chat.json_string_arguments",
    "chat.clock": "chat.current_date",
    "chat.content_beside_calls": "chat.content_with_tool_calls",
    "chat.content_switches": "chat.content_triggers",
    "chat.date_stamp": "chat.date_in_prompt",
    "chat.family": "chat.format",
    "chat.generation_mask": "chat.generation_tag",
    "chat.late_system": "chat.late_system_message",
    "chat.reasoning_between_calls": "chat.reasoning_before_tool_calls",
    "chat.refuses": "chat.rejected_conversations",
    "chat.template_holders": "chat.template_loaded_by",
    "chat.tokenizer": "chat.has_tokenizer",
    "chat.tool_form": "chat.tool_format",
    "tokenizer.adds": "tokenizer.added_special_tokens",
    "tokenizer.backend_stream": "tokenizer.decode_stream",
    "tokenizer.class_replaces": "tokenizer.overridden_components",
    "tokenizer.control_text_in_content": "tokenizer.control_tokens_in_text",
    "tokenizer.file_cuts_at": "tokenizer.truncation_in_file",
    "tokenizer.file_pads": "tokenizer.padding_in_file",
    "tokenizer.odd_lists_taken": "tokenizer.malformed_lists_accepted",
    "tokenizer.other_ids_in_config": "tokenizer.config_ids_that_differ",
    "tokenizer.reference": "tokenizer.independent_encoder",
    "tokenizer.saving_keeps_padding": "tokenizer.padding_saved",
    "tokenizer.settings_of_calls": "tokenizer.call_settings",
    "tokenizer.slow": "tokenizer.slow_class",
    "tokenizer.special_pairs_tried": "tokenizer.special_pairs_tested",
    "tokenizer.taken_for_mistral": "tokenizer.mistral_regex",
    "tokenizer.takes_pairs": "tokenizer.text_pairs",
    "tokenizer.takes_words": "tokenizer.pretokenized_input",
    "tokenizer.vocabulary": "tokenizer.vocabulary_size",
    "tokenizer.windows": "tokenizer.overflowing_tokens",
    "tokenizer.words_of_tokens": "tokenizer.word_ids",
    "generation.answers_with_signs_of_trouble": "generation.answers_with_problems",
    "generation.refused_stop_conditions": "generation.rejected_stop_conditions",
    "generation.stopped_by_itself": "generation.stopped_before_limit",
    "generation.stops_by_itself": "generation.stops_before_limit",
    "integrity.bytes": "integrity.total_bytes",
    "integrity.differs_from_family": "integrity.unusual_settings",
    "integrity.finite_in": "integrity.finite_dtypes",
    "integrity.other_formats": "integrity.other_weight_formats",
    "integrity.paths_of_the_author": "integrity.author_paths",
    "integrity.stop_ids": "integrity.stop_token_ids",
    "pipelines.token-classification.found_in_windows": "pipelines.token-classification.entities_found_in_windows",
}
"""Old to current names, of capabilities and of metrics."""

ENDINGS = {
    "bad_input": "invalid_input",
    "batches_of_several_sizes": "mixed_size_batches",
    "canaries_right": "canary_accuracy",
    "kinds": "segmentation_kinds",
    "other_rates": "other_sampling_rates",
    "pictures_of_fractions": "float_images",
}
"""Old to current last parts of names that begin with `pipelines.TASK.`."""

YES_NO = {"True": "yes", "False": "no"}
SUPPORTED = {"True": "supported", "False": "not supported", "yes": "supported", "no": "not supported"}
SAME = {"same": "same prompt", "differs": "different prompt", "fails": "error"}
ERROR = {"breaks": "error"}
PARTS = ERROR | {"printed as Python": "printed as a Python list"}

VALUES: dict[str, dict[str, str]] = {
    **dict.fromkeys(
        (
            *("chat.unknown_role", "chat.late_system_message", "chat.consecutive_users", "chat.consecutive_assistants"),
            *("chat.assistant_first", "chat.empty_conversation", "chat.documents", "chat.tools", "chat.tool_calls"),
            *("chat.parallel_tool_calls", "chat.tool_results", "chat.tool_call_ids", "chat.content_with_tool_calls"),
            "chat.json_string_arguments",
        ),
        ERROR,
    ),
    **dict.fromkeys(("chat.content_parts", "chat.images", "chat.audio"), PARTS),
    **dict.fromkeys(("chat.system_role", "chat.developer_role"), ERROR | {"merged": "merged into the user message"}),
    **dict.fromkeys(
        (
            *("chat.default_system_prompt", "chat.date_follows_locale", "chat.trims_content", "chat.generation_tag"),
            *("chat.has_tokenizer", "tokenizer.vocabulary_lossy", "integrity.tied_embeddings"),
            "generation.mask_inferred_from_padding",
        ),
        YES_NO,
    ),
    **dict.fromkeys(
        (
            *("tokenizer.offsets", "tokenizer.word_ids", "tokenizer.overflowing_tokens", "tokenizer.text_pairs"),
            *("tokenizer.decode_stream", "generation.inputs_embeds", "generation.static_cache", "generation.offload"),
        ),
        SUPPORTED,
    ),
    "chat.alternation": {"free": "not required", "strict": "required"},
    "chat.assistant_mask": {"supported, with (.+) of the header": r"supported, includes \1 of the header"},
    "chat.continue_final_message": ERROR | {"not at its end": "not at the end of the prompt"},
    "chat.current_date": {
        "not read": "not used",
        "read": "used",
        "pinned by (.+)": r"used unless \1 is passed",
    },
    "chat.llama_cpp": SAME,
    "chat.minijinja": SAME | {"same with transformers' tojson": "same prompt with transformers' tojson"},
    "chat.null_content": ERROR | {"other than empty": "differs from empty content"},
    "chat.reasoning": {
        "kept": "kept in earlier turns",
        "dropped": "removed from earlier turns",
        "absent": "not supported",
    },
    "chat.reasoning_before_tool_calls": ERROR | {"absent": "not supported"},
    "chat.reasoning_effort": {"absent": "not supported"},
    "chat.split_special_tokens": {"splits the template's own tokens too": "also splits the template's own tokens"},
    "chat.thinking_toggle": {"absent": "not supported", "(.+): three ways": r"\1: differs when unset"},
    "chat.user_control_tokens": {
        "stay text": "kept as text",
        r"become control ids by default(.*)": r"parsed as control tokens by default\1",
    },
    "tokenizer.call_settings": {"of the call alone": "local to the call"},
    "tokenizer.clean_up": {"white space is not kept in any case": "white space is never preserved"},
    "tokenizer.control_tokens_in_text": {
        "there are no control tokens": "no control tokens",
        "becomes control ids": "parsed as control tokens",
        r"(\d+ of \d+) become control ids": r"\1 parsed as control tokens",
        "stays text": "kept as text",
    },
    "tokenizer.malformed_lists_accepted": {"": "nothing", "(.*)a text beside a list": r"\1a text next to a list"},
    "tokenizer.mistral_regex": {"and mended": "fixed", "and warned about": "only a warning"},
    "tokenizer.padding_in_file": {"no": "off"},
    "tokenizer.padding_saved": {"no": "not saved"},
    "tokenizer.pretokenized_input": {
        "as the text with spaces": "same as the text with spaces",
        "each word as a text of its own": "each word encoded separately",
        "in a form of their own": "encoded differently",
    },
    "tokenizer.round_trip": {
        "text as it is, white space (not )?kept": r"text unchanged, white space \1preserved",
        "text normalized, white space (not )?kept": r"text normalized, white space \1preserved",
    },
    "tokenizer.truncation_in_file": {"None": "none"},
    "tokenizer.unicode_coverage": {
        "every code point": "all code points",
        r"(.*\d) vanish(.*)": r"\1 give no token\2",
    },
    "generation.cache": {
        "a state, which cannot be cut or gone back in like a cache": "a state, which cannot be truncated"
    },
    "generation.padded_batches": {
        "same as single prompts": "same results as single prompts",
        "change the results": "different results",
    },
    "generation.padding_in_forward": {"not declared: the model keeps a state": "not declared: the model has a state"},
    "integrity.license": {"None": "not stated"},
    "integrity.model_card": {"None": "none"},
    "integrity.stop_token_ids": {"None": "none"},
    "quality.instructions": {r"(\d+ of \d+) kept": r"\1 followed"},
}
"""Current name to old and current values. Old values are regular expressions that match the whole text."""

PIPELINE_VALUES = {
    "float_images": {"taken as they are": "used unchanged", "divided once more": "rescaled again"},
    "runs_through": {"pipeline": "library pipeline"},
}
"""Old to current values by the last part of names that begin with `pipelines.TASK.`."""


GLOB = re.compile(r"[*?\[]")


def name(old: str) -> str:
    """Returns the current name of a capability or metric, also for a pattern such as `tokenizers.*`."""
    if old.startswith("tokenizers."):
        old = old.replace("tokenizers.", "tokenizer.", 1)
    if old in NAMES:
        return NAMES[old]
    start, _, end = old.rpartition(".")
    if start == "pipelines" and end != "tasks" and not GLOB.search(end):
        return f"{old}.runs_through"
    return f"{start}.{ENDINGS[end]}" if start.startswith("pipelines.") and end in ENDINGS else old


def value(current: str, old: Any) -> Any:
    """Returns the current value of a capability, given its current name."""
    if isinstance(old, list):
        return value(current, ", ".join(map(str, old)))
    for pattern, new in _rules(current):
        if match := pattern.fullmatch(str(old)):
            return match.expand(new)
    return old


@cache
def _rules(current: str) -> list[tuple[re.Pattern[str], str]]:
    rules = VALUES.get(current, {})
    if current.startswith("pipelines."):
        rules = PIPELINE_VALUES.get(current.rpartition(".")[2], {})
    return [(re.compile(old, re.DOTALL), new) for old, new in rules.items()]


def required(entry: str) -> str:
    """Returns a manifest's `name` or `name=value` with current name and value."""
    old, equals, wanted = entry.partition("=")
    current = name(old)
    return f"{current}{equals}{value(current, wanted)}" if equals else current


def values(old: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the capabilities of a baseline, name to value, with current names and values."""
    return {name(each): value(name(each), fact) for each, fact in old.items()}


def facts(old: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Returns the capabilities of a record, name to value and evidence, with current names and values."""
    return {
        name(each): {**fact, "value": value(name(each), fact["value"])} if "value" in fact else {**fact}
        for each, fact in old.items()
    }


def metrics(old: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Returns metrics with current names."""
    return [{**metric, "name": name(str(metric["name"]))} for metric in old]
