from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest

from fixtures.inputs import baseline_conversations
from fixtures.inputs.baseline_conversations import BaselineConversation
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat, TemplateFails
from suites.findings import Record

NAME = "Renders of the catalogue"
CLOCK = "strftime_now"
"""The function with which a template reads the time."""
DAY = datetime.datetime(2024, 7, 26, 12, 0)
"""The time at which the clock stands still, so that a template with a date renders the same tomorrow."""


@uses("chat", worst="nothing")
def test_renders_kept(chat: Chat, record: Record) -> None:
    """The renders of fixed conversations are recorded, so that a comparison with a baseline shows changes.

    Why: an upgrade of the library or a new revision of the template can change prompts silently; the model then reads
        text that it was not trained on.
    Fix: Nothing is wrong; save a baseline with --save-baseline and compare with --baseline after an upgrade.
    Source: https://huggingface.co/docs/transformers/chat_templating;
        https://github.com/huggingface/transformers/issues/45701
    """
    reads_clock = CLOCK in str(chat.tokenizer.chat_template)
    with clock_stopped() if reads_clock else nullcontext():
        renders = {
            name: _render(chat, entry, fresh=reads_clock)
            for name, entry in baseline_conversations.conversations().items()
        }
    record.observations(NAME, renders, kind="renders", version=baseline_conversations.version())


def _render(chat: Chat, entry: BaselineConversation, *, fresh: bool) -> str:
    """The rendered text, or the failure with the template's message."""
    try:
        return chat.render(entry.messages, tools=entry.tools, add_generation_prompt=entry.prompt, fresh=fresh)
    except TemplateFails as failure:
        return f"[no render: {type(failure).__name__}: {failure}]"


@contextmanager
def clock_stopped() -> Iterator[None]:
    from transformers.utils import chat_template_utils

    class Stopped(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return cls(*DAY.timetuple()[:6])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chat_template_utils, "datetime", Stopped)
        yield
