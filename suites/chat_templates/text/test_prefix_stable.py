from __future__ import annotations

from typing import Any

from fixtures.inputs.conversations import QUESTION
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat
from suites.chat_templates.evidence import rendered, shown
from suites.chat_templates.text.growing_conversation import Step, steps, without_ending
from suites.findings import Hazard, NotApplicable

OF_ROLE = {"user": "a user's", "assistant": "an assistant's", "tool": "a tool's"}


@uses("serving", "training")
def test_prefix_stable(assistant_chat: Chat) -> None:
    """Each render of a growing conversation starts with the previous one.

    Why: servers cache what they computed for a prefix, and multi-turn training masks by prefixes; a template that
        rewrites earlier turns defeats the cache and makes such masks wrong.
    Fix: Render a message the same way at every position; remove conditions on loop.last.
    Source: https://huggingface.co/docs/trl/chat_template_utils (prefix-preserving templates);
        https://github.com/QwenLM/Qwen3/issues/1826
    """
    chat = assistant_chat
    rendered(chat, [QUESTION])
    if not steps(chat):
        raise NotApplicable("the template renders no conversation that grows")
    lost = {step: loss(chat, step) for step in steps(chat) if rewrites_history(chat, step)}
    if not lost:
        return
    step, first = next(iter(lost.items()))
    shared = step.shared_prefix(step.earlier)
    raise Hazard(
        f"Adding {OF_ROLE[step.message['role']]} message rewrites what was rendered before it (conversation "
        f"{step.name}, message {len(step.messages)}, {first['lost']} {first['unit']}): "
        f"{step.earlier[len(shared) :][:80]!r} becomes {step.later[len(shared) :][:40]!r}.",
        evidence={"before": shown(step.earlier), "after": shown(step.later), "losses": list(lost.values())},
    )


def rewrites_history(chat: Chat, step: Step) -> bool:
    return not step.later.startswith(without_ending(chat, step.earlier))


def loss(chat: Chat, step: Step) -> dict[str, Any]:
    """The text that a server with a prefix cache has to compute again after this turn, and its length."""
    gone = step.earlier[len(step.shared_prefix(step.earlier)) :]
    lost, unit = chat.length(gone)
    return {
        "conversation": step.name,
        "message": len(step.messages),
        "role": step.message["role"],
        "lost": lost,
        "unit": unit,
        "text": shown(gone, limit=200),
    }
