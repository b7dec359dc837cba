from __future__ import annotations

import re

from fixtures.inputs.conversations import ANSWER, FOLLOW_UP, QUESTION
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat
from suites.chat_templates.evidence import rendered, shown
from suites.findings import Defect, NotApplicable

MARKER = re.compile(r"<[^<>\s][^<>]*>|\[/?[A-Z_]+\]|\w+:")
ENDS = re.compile(r"^[<\[]/|end|eo[stm]\b", re.IGNORECASE)
"""Markers that close the turn before."""


@uses("chat")
def test_first_turn_opened(assistant_chat: Chat) -> None:
    """The first turn of the user begins with the marker that opens the later ones, also without a system message.

    Why: a template that opens the first turn in the branch of the system message only gives the model a question
        without its role in every conversation that has none.
    Fix: Write the marker before each user message, whatever stands before it.
    Source: https://huggingface.co/docs/transformers/chat_templating_writing
    """
    chat = assistant_chat
    before = rendered(chat, [QUESTION]).partition(str(QUESTION["content"]))[0]
    text = rendered(chat, [QUESTION, ANSWER, FOLLOW_UP])
    between = text.partition(str(ANSWER["content"]))[2].partition(str(FOLLOW_UP["content"]))[0]
    found = MARKER.findall(between.strip().removeprefix((chat.ending or "").strip()))
    opening = [marker for marker in found if not ENDS.search(marker)]
    if not opening:
        raise NotApplicable("the template writes no marker before the user's messages")
    if opening[-1] not in before:
        raise Defect(
            f"Later messages of the user follow {opening[-1]!r}, and the first one does not where there is no system "
            f"message: the prompt begins with {before[-60:]!r} and the question.",
            evidence={"render": shown(text)},
        )
