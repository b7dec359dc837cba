from __future__ import annotations

from fixtures.inputs.conversations import FOLLOW_UP, QUESTION
from fixtures.templates.chat import NEEDLE, Chat, Message
from suites.chat_templates.evidence import rendered, shown
from suites.chat_templates.probes import attempt, reason
from suites.findings import Hazard

UNKNOWN = "critic"


def test_unknown_roles(chat: Chat) -> None:
    """A message of an unknown role is shown under its role, left out, or refused with a reason; an empty
    conversation is refused with a reason or gives a sensible prompt.

    Why: words of a role that falls into the last branch of a template are read as the assistant's own, and an error
        without words sends people to look for the mistake in their own code.
    Fix: End the branches over roles with {% else %}{{ raise_exception('Unknown role: ' ~ message.role) }}{% endif %}.
    Source: https://huggingface.co/docs/transformers/chat_templating_writing;
        https://github.com/sgl-project/sglang/issues/40082 (a role that is left out)
    """
    rendered(chat, [QUESTION])
    messages = as_role(UNKNOWN)
    text, failure = attempt(chat, messages)
    if failure == "error":
        raise Hazard(f"A message of an unknown role ends in an error that does not name it: {reason(chat, messages)}.",
                     evidence={"messages": messages})  # fmt: skip
    if text is not None and NEEDLE in text:
        for role in ("assistant", "user"):
            if text == attempt(chat, as_role(role))[0]:
                raise Hazard(f"A message of the unknown role {UNKNOWN!r} is rendered as the {role}'s.",
                             evidence={"messages": messages, "render": shown(text)})  # fmt: skip


def as_role(role: str) -> list[Message]:
    return [QUESTION, {"role": role, "content": NEEDLE}, FOLLOW_UP]
