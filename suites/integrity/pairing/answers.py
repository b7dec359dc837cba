"""Finished answers in a template's own form, and how likely its end-of-turn token is behind them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fixtures.templates.chat import Chat, TemplateFails
from fixtures.text.differences import first_difference

ANSWERS = {
    "What is the capital of France?": "The capital of France is Paris.",
    "What is 2 + 2?": "The answer is 4.",
    "Thank you very much.": "You are welcome.",
    "Are you a robot?": "Yes, I am a language model.",
    "Name one primary colour.": "Red is a primary colour.",
    "What is the opposite of hot?": "The opposite of hot is cold.",
}


@dataclass(frozen=True)
class Finish:
    """What a model expects after one finished answer."""

    answer: str
    ending: int
    """The token of the template's ending that is likeliest: its first, or its first special one."""
    probability: float
    stop: int | None
    """The likeliest of the tokens at which generation stops, where the ending holds none of them."""
    stop_probability: float
    instead: int
    """The likeliest token of all."""

    def as_json(self, tokenizer: Any) -> dict[str, Any]:
        names = tokenizer.convert_ids_to_tokens([self.ending, self.instead])
        return {"after": self.answer, names[0]: f"{self.probability:.2g}", "likeliest": names[1]}


def finishes(chat: Chat, model: Any, stops: set[int]) -> list[Finish]:
    """One for every conversation that the template renders with the answer and something behind it."""
    return [
        _finish(chat, model, stops, answer, before, after)
        for answer, before, after in _rendered(chat)
        if max(before + after) < model.get_input_embeddings().weight.shape[0]
    ]


def _rendered(chat: Chat) -> Iterator[tuple[str, list[int], list[int]]]:
    """The answer, the ids up to its end, and the ids behind it."""
    for question, answer in ANSWERS.items():
        talk = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        try:
            before, found, after = chat.render(talk).rpartition(answer)
        except TemplateFails:
            continue
        whole, start = chat.encode(before + found + after), chat.encode(before + found)
        cut = first_difference(whole, start)  # a text for an ending may be joined to the answer's full stop
        if found and after.strip() and 0 < cut < len(whole):
            yield answer, whole[:cut], whole[cut:]


def _finish(chat: Chat, model: Any, stops: set[int], answer: str, before: list[int], after: list[int]) -> Finish:
    import torch

    ids = torch.tensor([before], device=model.device)
    with torch.inference_mode():
        chances = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0, -1].float().softmax(-1)
    special = [token for token in after if token in chat.tokenizer.added_tokens_decoder][:1]
    ending = max([after[0], *special], key=lambda token: float(chances[token]))
    others = [token for token in stops - {*after} if token < len(chances)]
    stop = max(others, key=lambda token: float(chances[token]), default=None)
    stop_chance = float(chances[stop]) if stop is not None else 0.0
    return Finish(answer, ending, float(chances[ending]), stop, stop_chance, int(chances.argmax()))
