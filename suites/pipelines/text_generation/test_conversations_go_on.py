from __future__ import annotations

from typing import Any

import pytest

from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat
from suites.findings import Blocked, Defect
from suites.pipelines.contracts import library_errors
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.registry import contract_of

MESSAGES = [{"role": "user", "content": "What is the capital of France?"}]


@pytest.mark.tasks("text-generation")
@uses("chat")
def test_conversations_go_on(chat: Chat, pipe: Pipe, task: str) -> None:
    """A list of messages is returned unchanged with one assistant message: the answer to the rendered conversation.

    Why: chat applications work this way; a template that is rendered differently here (BOS twice, no generation prompt)
    gives worse answers, and changed messages become the input of the next turn.
    Fix: compare the ids of `apply_chat_template(..., add_generation_prompt=True)` with those that reach the model.
    Source: https://huggingface.co/docs/transformers/main/en/conversations
    """
    contract = contract_of(pipe)
    messages = [dict(message) for message in MESSAGES]
    answer = contract.answer(pipe, messages, return_full_text=True)[0]["generated_text"]
    evidence = {"messages": MESSAGES, "answer": brief(answer)}
    if not isinstance(answer, list) or [dict(each) for each in answer[:-1]] != MESSAGES:
        raise Defect(f"{task}: the conversation is not returned unchanged.", evidence=evidence)
    last = answer[-1]
    if last.get("role") != "assistant" or not isinstance(last.get("content"), str):
        raise Defect(f"{task}: the last message is not an assistant message with a text.", evidence=evidence)
    expected = _answer_to_rendered(contract, pipe)
    if last["content"] != expected:
        raise Defect(
            f"{task}: the answer to the conversation is {brief(last['content'])}, the answer to its rendered text "
            f"is {brief(expected)}.",
            evidence=evidence,
        )


def _answer_to_rendered(contract: Any, pipe: Pipe) -> str:
    try:
        prompt = pipe.tokenizer.apply_chat_template(MESSAGES, tokenize=False, add_generation_prompt=True)
    except Exception as error:
        summary = f"the template does not render an ordinary question: {library_errors.in_words(error)}"
        raise Blocked("chat_templates/renders", summary) from error
    return str(contract.answer(pipe, prompt, add_special_tokens=False)[0]["generated_text"])
