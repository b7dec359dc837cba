from __future__ import annotations

from typing import Any

import pytest

from fixtures.pipelines.pipe import Pipe
from fixtures.templates.chat import Chat
from suites.findings import Defect, Unsupported
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.registry import contract_of

MESSAGES = [{"role": "user", "content": "What is the capital of France?"}]


@pytest.mark.tasks("text-generation")
def test_conversations_go_on(chat: Chat, pipe: Pipe, task: str) -> None:
    """A list of messages comes back as it was with one message of the assistant behind it: what the model writes after
    the rendered conversation.

    Why: this is how chats are run; a template that is rendered otherwise here (BOS twice, no generation prompt) gives
    worse answers, and messages that change on the way are what the next turn reads.
    Fix: compare the ids of `apply_chat_template(..., add_generation_prompt=True)` with those that reach the model.
    Source: https://huggingface.co/docs/transformers/main/en/conversations
    """
    contract = contract_of(pipe)
    given = [dict(message) for message in MESSAGES]
    answer = contract.answer(pipe, given, return_full_text=True)[0]["generated_text"]
    evidence = {"messages": MESSAGES, "answer": brief(answer)}
    if not isinstance(answer, list) or [dict(each) for each in answer[:-1]] != MESSAGES:
        raise Defect(f"{task}: the conversation does not come back as it was given.", evidence=evidence)
    said = answer[-1]
    if said.get("role") != "assistant" or not isinstance(said.get("content"), str):
        raise Defect(f"{task}: the last message is not one of the assistant with a text.", evidence=evidence)
    expected = _after_rendering(contract, pipe)
    if said["content"] != expected:
        raise Defect(
            f"{task}: the conversation is answered with {brief(said['content'])}, its rendered text with "
            f"{brief(expected)}.",
            evidence=evidence,
        )


def _after_rendering(contract: Any, pipe: Pipe) -> str:
    try:
        prompt = pipe.tokenizer.apply_chat_template(MESSAGES, tokenize=False, add_generation_prompt=True)
    except Exception as error:  # chat_templates/renders tells why
        raise Unsupported(f"the template does not render an ordinary question: {error}") from error
    return str(contract.answer(pipe, prompt, add_special_tokens=False)[0]["generated_text"])
