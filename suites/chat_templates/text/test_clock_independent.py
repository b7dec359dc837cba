from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from fixtures.inputs.conversations import INSTRUCTION, QUESTION
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat, Message
from suites.chat_templates.evidence import common_prefix, rendered, shown
from suites.chat_templates.probes import attempt, yes_no
from suites.findings import Hazard, Record

DAYS = (datetime.datetime(2024, 7, 26, 12, 0), datetime.datetime(2031, 12, 3, 23, 59))
LOCALE_FORMATS = ("%a", "%A", "%b", "%B", "%c", "%x", "%X", "%p")
"""Format codes that strftime writes in the language of the process."""
DATE_VARIABLES = ("date_string", "current_date", "date", "strftime_date")
"""Variables of published templates that replace the current date."""


@uses("serving")
def test_clock_independent(chat: Chat, record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    """A conversation renders the same on two days, or a template variable sets the date.

    Why: a date in the prompt changes answers, defeats prompt caches from one day to the next, and makes evaluation
        results irreproducible.
    Fix: Take the date from a variable: {% if date_string is not defined %}, and only then strftime_now.
    Source: https://huggingface.co/docs/transformers/chat_templating_writing (strftime_now)
    """
    rendered(chat, [QUESTION])
    formats: list[str] = []
    by_day = _renderer(chat, monkeypatch, formats)
    tried = ([QUESTION], [INSTRUCTION, QUESTION]) if chat.has_tokenizer or "strftime_now" in chat.template else ()
    changing = [messages for messages in tried if by_day(messages, {}) is not None]
    pins = [
        name
        for name in DATE_VARIABLES
        if changing and all(by_day(messages, {name: "26 Jul 2024"}) is None for messages in changing)
    ]
    follows_locale = any(code in each for each in formats for code in LOCALE_FORMATS)
    record.capability("chat.date_follows_locale", yes_no(follows_locale))
    record.capability(
        "chat.current_date", f"used unless {pins[0]} is passed" if pins else "used" if changing else "not used"
    )
    if changing and not pins:
        first, second = by_day(changing[0], {}) or ("", "")
        start = max(0, len(common_prefix(first, second)) - 30)
        raise Hazard(
            f"The prompt changes with the clock and no template variable sets the date: {first[start : start + 60]!r}.",
            evidence={str(DAYS[0].date()): shown(first), str(DAYS[1].date()): shown(second)},
        )


Renderer = Callable[[list[Message], dict[str, Any]], tuple[str, str] | None]


def _renderer(chat: Chat, monkeypatch: pytest.MonkeyPatch, formats: list[str]) -> Renderer:
    """A function that returns the renders of both days if they differ, else None."""
    from transformers.utils import chat_template_utils

    def by_day(messages: list[Message], variables: dict[str, Any]) -> tuple[str, str] | None:
        renders = []
        for day in DAYS:
            with monkeypatch.context() as patch:
                patch.setattr(chat_template_utils, "datetime", _frozen(day, formats))
                renders.append(attempt(chat, messages, fresh=True, **variables)[0] or "")
        return (renders[0], renders[1]) if renders[0] != renders[1] else None

    return by_day


def _frozen(day: datetime.datetime, formats: list[str]) -> type[datetime.datetime]:
    """A clock that stands still and collects the formats in which it is read."""

    class Frozen(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return cls(*day.timetuple()[:6])

        def strftime(self, format: str) -> str:
            formats.append(format)
            return super().strftime(format)

    return Frozen
