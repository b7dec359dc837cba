from __future__ import annotations

from fixtures.inputs.conversations import FOLLOW_UP, QUESTION
from fixtures.session.uses import uses
from fixtures.templates.chat import NEEDLE, Chat, Message
from suites.chat_templates.evidence import rendered, shown
from suites.chat_templates.probes import attempt, reason
from suites.findings import Hazard

UNKNOWN = "critic"


@uses("chat")
def test_unknown_roles(assistant_chat: Chat) -> None:
    """A message of an unknown role is rendered with its role, left out, or refused with a reason.

    Why: in the last branch of a template such a message becomes the assistant's own, and an error that does not name
        the role is hard to find.
    Fix: End the branches over roles with {% else %}{{ raise_exception('Unknown role: ' ~ message.role) }}{% endif %}.
    Source: https://huggingface.co/docs/transformers/chat_templating_writing;
        https://github.com/sgl-project/sglang/issues/40082 (a role that is left out)
    """
    chat = assistant_chat
    rendered(chat, [QUESTION])
    messages = as_role(UNKNOWN)
    text, failure = attempt(chat, messages)
    if failure == "error":
        summary = f"A message of an unknown role causes an error that does not name it: {reason(chat, messages)}."
        raise Hazard(summary, evidence={"messages": messages})
    if text is not None and NEEDLE in text:
        for role in ("assistant", "user"):
            if text == attempt(chat, as_role(role))[0]:
                raise Hazard(
                    f"A message of the unknown role {UNKNOWN!r} is rendered like a message of the {role}.",
                    evidence={"messages": messages, "render": shown(text)},
                )


def as_role(role: str) -> list[Message]:
    return [QUESTION, {"role": role, "content": NEEDLE}, FOLLOW_UP]
