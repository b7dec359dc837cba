"""Probability of the template's end-of-turn token after finished answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fixtures.templates.chat import Chat, TemplateFails
from fixtures.text.differences import first_difference
from suites.running.limits import vocabulary

ANSWERS = {
    "What is the capital of France?": "The capital of France is Paris.",
    "What is 2 + 2?": "The answer is 4.",
    "Thank you very much.": "You are welcome.",
    "Are you a robot?": "Yes, I am a language model.",
    "Name one primary colour.": "Red is a primary colour.",
    "What is the opposite of hot?": "The opposite of hot is cold.",
}


@dataclass(frozen=True)
class TurnEnd:
    """Predictions of a model after one finished answer."""

    answer: str
    ending: int
    """The first token, or first special token, of the template's ending, whichever is likelier."""
    probability: float
    stop: int | None
    """The likeliest stop token that is not part of the ending."""
    stop_probability: float
    likeliest: int
    """The likeliest token of all."""

    def as_json(self, tokenizer: Any) -> dict[str, Any]:
        names = tokenizer.convert_ids_to_tokens([self.ending, self.likeliest])
        return {"after": self.answer, names[0]: f"{self.probability:.2g}", "likeliest": names[1]}


def turn_ends(chat: Chat, model: Any, stops: set[int]) -> list[TurnEnd]:
    """Returns one for every conversation that the template renders with text after the answer."""
    return [
        _turn_end(chat, model, stops, answer, before, after)
        for answer, before, after in _rendered(chat)
        if max(before + after) < vocabulary(model)
    ]


def _rendered(chat: Chat) -> Iterator[tuple[str, list[int], list[int]]]:
    """Yields the answer, the ids up to its end, and the ids after it."""
    for question, answer in ANSWERS.items():
        conversation = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        try:
            before, found, after = chat.render(conversation).rpartition(answer)
        except TemplateFails:
            continue
        whole, start = chat.encode(before + found + after), chat.encode(before + found)
        cut = first_difference(whole, start)  # the ending may be merged with the answer's full stop
        if found and after.strip() and 0 < cut < len(whole):
            yield answer, whole[:cut], whole[cut:]


def _turn_end(chat: Chat, model: Any, stops: set[int], answer: str, before: list[int], after: list[int]) -> TurnEnd:
    import torch

    ids = torch.tensor([before], device=model.device)
    with torch.inference_mode():
        probabilities = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0, -1].float().softmax(-1)
    special = [token for token in after if token in chat.tokenizer.added_tokens_decoder][:1]
    ending = max([after[0], *special], key=lambda token: float(probabilities[token]))
    others = [token for token in stops - {*after} if token < len(probabilities)]
    stop = max(others, key=lambda token: float(probabilities[token]), default=None)
    of_stop = float(probabilities[stop]) if stop is not None else 0.0
    return TurnEnd(answer, ending, float(probabilities[ending]), stop, of_stop, int(probabilities.argmax()))
