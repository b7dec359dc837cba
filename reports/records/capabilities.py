"""Look-up of capabilities and metrics: their titles in a report, and the meaning of values."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import cache

from reports.records.capability_table import TABLE, Capability
from reports.records.metric_table import METRICS

PRESENT = ("supported", "yes", True, "kept in earlier turns", "kept", "merged into the user message")
"""Values of a capability that a subject has: what `required_capabilities` accepts for a name without a value."""

ABSENT = ("unsupported", "not supported", "dropped", "removed from earlier turns", "rejected", "error", "no", "none",
          "not stated", "False", "None")  # fmt: skip
"""Values of a capability that a subject lacks: any other value is a gain, except in `REJECTIONS`."""

REJECTIONS = ("chat.rejected_conversations", "generation.rejected_stop_conditions")
"""Capabilities that list what is rejected: here, more is worse."""

PREFIXES = {
    "chat": "chat_templates",
    "tokenizer": "tokenizers",
    "generation": "generation",
    "integrity": "integrity",
    "pipelines": "pipelines",
    "quality": "quality",
    "quantization": "quantization",
}
"""The first part of the name of a capability or metric, and its suite."""

TOPICS = {
    "chat": "Chat template",
    "tokenizer": "Tokenizer",
    "generation": "Generation",
    "integrity": "Files and weights",
    "pipelines": "Pipelines",
    "quality": "Knowledge",
    "quantization": "Quantization",
}
"""The first part of the name of a capability, and its heading in the report."""


def phrase(name: str) -> str:
    """Returns the title of a capability; its name in words if it is unknown."""
    _, found, parts = _entry(name)
    if found is None:
        return _words(name)
    return found.phrase.format(**parts) if parts else found.phrase


def topic(name: str) -> str:
    """Returns the heading for a capability, from the first part of its name."""
    prefix = name.partition(".")[0]
    return TOPICS.get(prefix, prefix)


def order(name: str) -> tuple[int, str]:
    """Sorts capabilities as the table does; unknown ones come last."""
    return _entry(name)[0], name


def _words(name: str) -> str:
    return (name.partition(".")[2] or name).replace("_", " ")


@cache
def _entry(name: str) -> tuple[int, Capability | None, dict[str, str]]:
    """Position in the table, entry, and the values of the parts in braces."""
    for position, (pattern, capability) in enumerate(_patterns()):
        if match := pattern.fullmatch(name):
            return position, capability, match.groupdict()
    return len(TABLE), None, {}


def metric_phrase(name: str) -> str:
    """Returns the title of a metric; empty if it is unknown."""
    name, batch, size = name.partition(".batch_")
    words = next((words for pattern, words in _metric_patterns() if pattern.fullmatch(name)), "")
    return f"{words}, {size} sequences at once" if words and batch else words


def is_capability(name: str) -> bool:
    """True for a name of the table."""
    return _entry(name)[1] is not None


def is_metric(name: str) -> bool:
    """True for a name of the table, and for a pattern such as `quality.*` that fits one."""
    plain = name.partition(".batch_")[0]
    return bool(metric_phrase(name)) or any(fnmatchcase(known, plain) for known in METRICS)


@cache
def _patterns() -> list[tuple[re.Pattern[str], Capability]]:
    return [(_pattern(name), each) for name, each in TABLE.items()]


@cache
def _metric_patterns() -> list[tuple[re.Pattern[str], str]]:
    return [(_pattern(name), words) for name, words in METRICS.items()]


def _pattern(name: str) -> re.Pattern[str]:
    """Matches the names of a table's entry, in which {task}, {kind} ... stand for several names."""
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^.]+)", re.escape(name)))


def present(value: object) -> bool:
    """True if a required capability is met by this value."""
    return value in PRESENT


def lacking(name: str, value: object) -> bool:
    """True if a subject can only gain from another value; in REJECTIONS, if there is nothing to reject."""
    return str(value) in (*ABSENT, *(["nothing"] if name in REJECTIONS else []))
