"""Generation settings that make `generate()` fail, and settings that forbid a stop token."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from suites.integrity.config.special_ids import ids

EOS = "eos_token_id"
VALID_IF_SAMPLED: dict[str, tuple[Callable[[float], bool], str]] = {
    "temperature": (lambda value: value > 0, "above 0"),
    "top_p": (lambda value: 0 <= value <= 1, "from 0 to 1"),
    "top_k": (lambda value: value >= 0 and int(value) == value, "a whole number from 0"),
    "min_p": (lambda value: 0 <= value <= 1, "from 0 to 1"),
    "typical_p": (lambda value: 0 < value <= 1, "above 0, up to 1"),
    "epsilon_cutoff": (lambda value: 0 <= value < 1, "from 0, below 1"),
    "eta_cutoff": (lambda value: 0 <= value < 1, "from 0, below 1"),
}
"""Valid values of the settings that matter only for sampling; with others a processor raises or removes all tokens."""
VALID_ALWAYS: dict[str, tuple[Callable[[float], bool], str]] = {
    "repetition_penalty": (lambda value: value > 0, "above 0"),
    "encoder_repetition_penalty": (lambda value: value > 0, "above 0"),
    "no_repeat_ngram_size": (lambda value: value >= 0, "from 0"),
    "max_length": (lambda value: value >= 1, "from 1"),
    "max_new_tokens": (lambda value: value >= 1, "from 1"),
    "num_beams": (lambda value: value >= 1, "from 1"),
    "num_return_sequences": (lambda value: value >= 1, "from 1"),
}
SHORTEST_PROMPT = 32
"""Tokens; any chat prompt is longer."""


def invalid_values(settings: Mapping[str, Any]) -> Iterator[str]:
    """Yields each setting that makes a plain `generate()` raise, with its valid range."""
    ranges = VALID_ALWAYS | (VALID_IF_SAMPLED if settings.get("do_sample") else {})
    for name, (allowed, valid) in ranges.items():
        value = settings.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and not allowed(value):
            yield f"{name} is {value:g} and must be {valid}"


def forbidden_stops(settings: Mapping[str, Any], stops: list[int]) -> dict[str, list[int]]:
    """Returns the stop ids that are forbidden, by the setting that forbids them."""
    words = settings.get("bad_words_ids")
    single = [each[0] for each in words if isinstance(each, list) and len(each) == 1] if isinstance(words, list) else []
    forbidden = {"suppress_tokens": ids(settings, "suppress_tokens"), "bad_words_ids": single}
    return {
        name: found for name, numbers in forbidden.items() if (found := [each for each in stops if each in numbers])
    }


def too_short_max_length(settings: Mapping[str, Any]) -> int | None:
    """Returns `max_length` if most prompts do not fit into it (it counts the prompt's tokens too)."""
    length = settings.get("max_length")
    alone = not settings.get("max_new_tokens")
    return length if isinstance(length, int) and 1 <= length < SHORTEST_PROMPT and alone else None
