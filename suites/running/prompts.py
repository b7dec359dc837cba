"""Prompts for the generation checks, rendered with the chat template if there is one."""

from __future__ import annotations

from typing import Any

from fixtures.subjects.subject import Subject
from fixtures.templates.chat import Chat, TemplateFails
from suites.findings import Blocked
from suites.running.generate import start_of_answer

QUESTIONS = (
    "What is the capital of France?",
    "Name one primary colour.",
    "Say hello.",
    "Is water wet? Answer yes or no.",
)
PLAIN = ("The capital of France is", "One, two, three,", "Once upon a time")


def encoded(subject: Subject, tokenizer: Any, text: str) -> dict[str, Any]:
    """Returns `input_ids` and `attention_mask` of a prompt (1 x length tensors on the CPU)."""
    if subject.traits.has_chat_template:
        text = _rendered(Chat(tokenizer), text)
        batch = tokenizer(text, add_special_tokens=False, return_tensors="pt")
    else:
        batch = tokenizer(text, return_tensors="pt")
    return {name: batch[name] for name in ("input_ids", "attention_mask")}


def _rendered(chat: Chat, text: str) -> str:
    try:
        return chat.render([{"role": "user", "content": text}], add_generation_prompt=True)
    except TemplateFails as failure:
        summary = f"the chat template does not render the prompt: {failure}"
        raise Blocked("chat_templates/renders", summary) from None


def questions(subject: Subject) -> tuple[str, ...]:
    return QUESTIONS if subject.traits.has_chat_template else PLAIN


def greedy(model: Any, inputs: dict[str, Any], *, max_new_tokens: int) -> list[int]:
    """Generates greedily with the shipped penalties and without sampling; returns the new ids."""
    import torch

    placed = {name: tensor.to(model.device) for name, tensor in inputs.items()}
    with torch.inference_mode():
        output = model.generate(
            **placed, do_sample=False, max_new_tokens=max_new_tokens, temperature=None, top_p=None, top_k=None
        )
    start = start_of_answer(model, placed)
    return [int(token) for token in output[0, start:]]
