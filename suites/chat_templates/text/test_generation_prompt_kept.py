from __future__ import annotations

from fixtures.inputs.conversations import QUESTION
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat
from suites.chat_templates.evidence import rendered, shown
from suites.chat_templates.text.growing_conversation import Step, steps, without_ending
from suites.findings import Hazard, NotApplicable


@uses("serving", "training")
def test_generation_prompt_kept(assistant_chat: Chat) -> None:
    """A conversation begins with the prompt from which its last answer was generated.

    Why: otherwise servers recompute the end of the prompt in the next turn. Training on whole conversations then never
        contains the prompt of generation, such as one with an empty thought.
    Fix: Begin the assistant's turns in the history with the text that add_generation_prompt appends.
    Source: https://github.com/google-ai-edge/litert-torch/issues/1209;
        https://github.com/PrimeIntellect-ai/prime-rl/issues/1334
    """
    chat = assistant_chat
    rendered(chat, [QUESTION])
    if not any(step.message["role"] == "assistant" for step in steps(chat)):
        raise NotApplicable("the template renders no conversation that grows by an answer")
    lost = [step for step in steps(chat) if loses_prompt(chat, step)]
    with_thoughts = {len(step.messages) for step in steps(chat) if "thoughts" in step.name} - {
        len(step.messages) for step in lost if "thoughts" in step.name
    }
    lost = [step for step in lost if "thoughts" in step.name or len(step.messages) not in with_thoughts]
    if not lost:
        return
    step, prompt = lost[0], lost[0].prompt or ""
    gone = prompt[len(step.shared_prefix(prompt)) :]
    number, unit = chat.length(gone)
    raise Hazard(
        f"The end of the generation prompt, {gone!r} ({number} {unit}), is missing in the conversation after the "
        f"answer is added (conversation {step.name}, message {len(step.messages)}).",
        evidence={"prompt": shown(prompt), "after": shown(step.later), "messages": step.messages},
    )


def loses_prompt(chat: Chat, step: Step) -> bool:
    """True if only the generation prompt is lost; `prefix-stable` reports changes before it."""
    if step.message["role"] != "assistant" or step.prompt is None or step.later.startswith(step.prompt):
        return False
    return step.later.startswith(without_ending(chat, step.earlier))
