from __future__ import annotations

from fixtures.inputs.conversations import QUESTION
from fixtures.templates.chat import Chat
from suites.chat_templates.evidence import rendered, shown
from suites.chat_templates.text.growing_conversation import Step, steps, without_ending
from suites.findings import Hazard


def test_generation_prompt_kept(chat: Chat) -> None:
    """The prompt that an answer was generated from is the beginning of the conversation with that answer.

    Why: what the generation prompt adds, an empty thought for instance, is computed anew in the next turn, and a model
        that is trained on whole conversations never sees the prompt that it is run with.
    Fix: Begin the assistant's turns of the history with what add_generation_prompt appends.
    Source: https://github.com/google-ai-edge/litert-torch/issues/1209;
        https://github.com/PrimeIntellect-ai/prime-rl/issues/1334
    """
    rendered(chat, [QUESTION])
    lost = [step for step in steps(chat) if loses_prompt(chat, step)]
    with_thoughts = {len(step.messages) for step in steps(chat) if "thoughts" in step.name} - {
        len(step.messages) for step in lost if "thoughts" in step.name
    }
    lost = [step for step in lost if "thoughts" in step.name or len(step.messages) not in with_thoughts]
    if not lost:
        return
    step, prompt = lost[0], lost[0].prompt or ""
    gone = prompt[len(step.kept(prompt)) :]
    number, unit = chat.length(gone)
    raise Hazard(
        f"The end of the generation prompt, {gone!r} ({number} {unit}), is not in the conversation once the answer "
        f"is added (conversation {step.name}, message {len(step.messages)}).",
        evidence={"prompt": shown(prompt), "after": shown(step.later), "messages": step.messages},
    )


def loses_prompt(chat: Chat, step: Step) -> bool:
    """Whether only the generation prompt is lost; a rewrite of what stands before it is told by `prefix-stable`."""
    if step.message["role"] != "assistant" or step.prompt is None or step.later.startswith(step.prompt):
        return False
    return step.later.startswith(without_ending(chat, step.earlier))
