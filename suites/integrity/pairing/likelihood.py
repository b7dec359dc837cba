"""How likely plain text is to a model, and how much of that comes from the order of its tokens."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

from fixtures.inputs import corpus

LENGTH = 24
"""Tokens of a text that are read: with more, the last ones would be guessed from the text itself."""
SHORTEST = 6
BYTES_PER_TOKEN = 1.4
"""Where tokens hold less, the tokenizer was not made for such text, and the model may never have seen it."""
ROWS_AT_ONCE = 4
"""So that the logits of a large vocabulary fit."""
OTHERS = ("german", "accents", "cyrillic", "chinese-simplified", "japanese", "arabic", "hindi", "korean", "polish")
GROUPS = {
    "english": ("english", "contractions", "mixed-case"),
    "other languages": OTHERS,
    "code": ("python", "c", "javascript", "html", "java", "json", "rust"),
}

Move = Callable[[int], int]
Row = tuple[str, list[int]]
"""The group of a text, and its ids."""


@dataclass(frozen=True)
class Prediction:
    """One token of a text, where it appears for the first time: what comes again can be copied without knowing it."""

    group: str
    token: int
    loss: float
    """In nats, the text in order."""
    shuffled: float
    """The same token, with the others before it in random order."""


@dataclass(frozen=True)
class Likelihood:
    """Predictions of some text; what is computed from them is NaN where there are none."""

    predictions: Sequence[Prediction]

    @property
    def loss(self) -> float:
        return _mean([each.loss for each in self.predictions])

    @property
    def gain(self) -> float:
        """Nats per token that the right order is worth: some to every model that knows the text, none for other ids."""
        return _mean(self._gains())

    @property
    def error(self) -> float:
        """Standard error of the gain."""
        gains, mean = self._gains(), self.gain
        return math.sqrt(_mean([(gain - mean) ** 2 for gain in gains]) / max(1, len(gains) - 1))

    def groups(self) -> dict[str, Likelihood]:
        names = dict.fromkeys(each.group for each in self.predictions)
        return {name: Likelihood([each for each in self.predictions if each.group == name]) for name in names}

    def parted(self, token: int) -> tuple[Likelihood, Likelihood]:
        """What is below an id, and the rest."""
        below = [each for each in self.predictions if each.token < token]
        return Likelihood(below), Likelihood([each for each in self.predictions if each.token >= token])

    def as_json(self) -> dict[str, Any]:
        return {"loss": round(self.loss, 2), "gain from order": round(self.gain, 2), "tokens": len(self.predictions)}

    def _gains(self) -> list[float]:
        return [each.shuffled - each.loss for each in self.predictions]


def texts(tokenizer: Any, tokens: int) -> list[Row]:
    """Group and ids of lines of the corpus, from every group in turn, about `tokens` ids in all."""
    found, total = [], 0
    for group, row in filter(None, chain.from_iterable(zip_longest(*(_rows(tokenizer, group) for group in GROUPS)))):
        if total >= tokens:
            break
        found.append((group, row))
        total += len(row)
    return found


def measured(model: Any, rows: list[Row], move: Move = lambda number: number) -> Likelihood:
    """The likelihood of texts, with every id replaced by what `move` makes of it."""
    straight = [[move(number) for number in row] for _, row in rows]
    orders = [_shuffled(len(row)) for row in straight]
    mixed = [[row[at] for at in order] for row, order in zip(straight, orders, strict=True)]
    found: list[Prediction] = []
    for (group, row), order, before, after in zip(
        rows, orders, losses(model, straight), losses(model, mixed), strict=True
    ):
        place = {at: number for number, at in enumerate(order)}
        found += [
            Prediction(group, token, before[at - 1], after[place[at] - 1])
            for at, token in enumerate(row)
            if at and row.count(token) == 1
        ]
    return Likelihood(found)


def losses(model: Any, rows: list[list[int]]) -> list[list[float]]:
    """For every row of ids the loss of each id but the first, in nats; rows are padded on the right, behind a mask."""
    import torch

    found: list[list[float]] = []
    for start in range(0, len(rows), ROWS_AT_ONCE):
        batch = rows[start : start + ROWS_AT_ONCE]
        width = max(map(len, batch))
        ids = torch.tensor([row + [row[-1]] * (width - len(row)) for row in batch], device=model.device)
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in batch], device=model.device)
        with torch.inference_mode():
            logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1].float()
            loss = logits.logsumexp(-1) - logits.gather(-1, ids[:, 1:, None])[..., 0]
        found += [each[: len(row) - 1] for each, row in zip(loss.tolist(), batch, strict=True)]
    return found


def _rows(tokenizer: Any, group: str) -> Iterator[Row]:
    """Ids of the group's lines, from each section in turn; none with a token that stands for the unknown."""
    sections = [corpus.sections()[section] for section in GROUPS[group]]
    for line in filter(None, chain.from_iterable(zip_longest(*sections))):
        ids = list(tokenizer(line).input_ids)
        if (
            len(ids) >= SHORTEST
            and len(line.encode()) >= BYTES_PER_TOKEN * len(ids)
            and tokenizer.unk_token_id not in ids
        ):
            yield group, ids[:LENGTH]


def _shuffled(length: int) -> list[int]:
    """An order of positions that keeps the first one, which often is a token of its own kind."""
    rest = list(range(1, length))
    random.Random(length).shuffle(rest)
    return [0, *rest]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan
