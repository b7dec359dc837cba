"""The uses that a finding affects, by what the conversation that shows it has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from fixtures.templates.chat import Message
from suites.chat_templates.by_use import first_of_each_use
from suites.findings import Defect, Finding, Hazard, raise_findings

THOUGHTS = ("reasoning_content", "thinking", "reasoning")
OF_PARTS = {"image": "images", "image_url": "images", "audio": "audio", "input_audio": "audio", "video": "video"}
"""Type of a part to its use."""


def uses_of(messages: Sequence[Message], tools: Any = None) -> tuple[str, ...]:
    """Uses of a conversation: `chat` for a plain one, else those of everything that it has besides."""
    return tuple(dict.fromkeys(_uses_of(messages, tools))) or ("chat",)


def _uses_of(messages: Sequence[Message], tools: Any) -> Iterator[str]:
    for message in messages:
        if message["role"] in ("system", "developer"):
            yield "system"
        if message["role"] == "tool" or message.get("tool_calls"):
            yield "tools"
        if any(message.get(key) for key in THOUGHTS):
            yield "reasoning"
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if part.get("type") in OF_PARTS:
                yield OF_PARTS[part["type"]]
    if tools:
        yield "tools"


def caught(check: Callable[..., None], *arguments: Any) -> Iterator[Finding]:
    """The finding that a part of a check raises, so that the other parts run too."""
    try:
        check(*arguments)
    except (Defect, Hazard) as finding:
        yield finding


def narrowed(finding: Finding, uses: Iterable[str]) -> Finding:
    """Returns the finding for these uses only, unless it names its own."""
    finding.uses = finding.uses or tuple(uses)
    return finding


def raise_by_use(findings: Iterable[Finding]) -> None:
    """Raises the first finding of each use, so that none hides one of another use."""
    __tracebackhide__ = True
    raise_findings(first_of_each_use(findings))
