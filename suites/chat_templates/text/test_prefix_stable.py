"""Promise: what was said stays as it was rendered."""

from __future__ import annotations

from fixtures.inputs.conversations import ANSWER, FOLLOW_UP, QUESTION, SECOND_ANSWER
from fixtures.subjects.chat import Chat
from suites.chat_templates.evidence import common_prefix, rendered, shown
from suites.findings import Hazard

TURNS = [QUESTION, ANSWER, FOLLOW_UP, SECOND_ANSWER, QUESTION]


def test_prefix_stable(chat: Chat) -> None:
    """Each prompt of a growing conversation starts with the prompt before it.

    Why: servers keep what they computed for a prefix, and multi-turn training masks by it; a template that rewrites
        its history makes both recompute, or go wrong.
    Fix: Render a message the same way wherever it stands; leave out conditions on loop.last.
    Source: https://huggingface.co/docs/trl/chat_template_utils (prefix-preserving templates);
        https://github.com/QwenLM/Qwen3/issues/1826
    """
    for count in range(1, len(TURNS)):
        earlier, later = rendered(chat, TURNS[:count]), rendered(chat, TURNS[: count + 1])
        kept = common_prefix(earlier, later)
        unclosed = earlier.rstrip().removesuffix(chat.tokenizer.eos_token or "")  # Phi-3 closes each render with it
        if not later.startswith(unclosed.rstrip()):
            lost, unit = chat.cost(earlier[len(kept) :])
            role = "a user's" if TURNS[count]["role"] == "user" else "an assistant's"
            raise Hazard(
                f"Adding {role} message rewrites what was rendered before it: {earlier[len(kept) :]!r} becomes "
                f"{later[len(kept) : len(kept) + 40]!r}.",
                evidence={"before": shown(earlier), "after": shown(later), "message": count + 1, f"{unit} lost": lost},
            )
