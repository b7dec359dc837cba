"""Likelihood of plain text under a model, and the part of it that comes from the order of the tokens."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

from fixtures.inputs import tokenizer_corpus

LENGTH = 24
"""Tokens read of a text; in longer texts the last ones could be guessed from the text itself."""
MIN_LENGTH = 6
MIN_BYTES_PER_TOKEN = 1.4
"""With fewer, the tokenizer was not made for such text, and the model may never have seen it."""
BATCH = 4
"""Rows; few, so that the logits of a large vocabulary fit into memory."""
OTHERS = ("german", "accents", "cyrillic", "chinese-simplified", "japanese", "arabic", "hindi", "korean", "polish")
GROUPS = {
    "english": ("english", "contractions", "mixed-case"),
    "other languages": OTHERS,
    "code": ("python", "c", "javascript", "html", "java", "json", "rust"),
}

IdMap = Callable[[int], int]
Row = tuple[str, list[int]]
"""The group of a text, and its ids."""


@dataclass(frozen=True)
class Prediction:
    """The prediction of a token that occurs once in its text (a repeated one could be copied without knowing it)."""

    group: str
    token: int
    loss: float
    """In nats, in the order of the text."""
    shuffled: float
    """Loss of the same token in shuffled text."""


@dataclass(frozen=True)
class Likelihood:
    """Predictions of some text; without any, all statistics are NaN."""

    predictions: Sequence[Prediction]

    @property
    def loss(self) -> float:
        return _mean([each.loss for each in self.predictions])

    @property
    def gain(self) -> float:
        """Nats per token by which the order of the text lowers the loss; zero if the ids are not those of training."""
        return _mean(self._gains())

    @property
    def error(self) -> float:
        """Standard error of the gain."""
        gains, mean = self._gains(), self.gain
        return math.sqrt(_mean([(gain - mean) ** 2 for gain in gains]) / max(1, len(gains) - 1))

    def groups(self) -> dict[str, Likelihood]:
        names = dict.fromkeys(each.group for each in self.predictions)
        return {name: Likelihood([each for each in self.predictions if each.group == name]) for name in names}

    def split_at(self, token: int) -> tuple[Likelihood, Likelihood]:
        """Returns the predictions of ids below `token`, and the rest."""
        below = [each for each in self.predictions if each.token < token]
        return Likelihood(below), Likelihood([each for each in self.predictions if each.token >= token])

    def as_json(self) -> dict[str, Any]:
        return {"loss": round(self.loss, 2), "gain from order": round(self.gain, 2), "tokens": len(self.predictions)}

    def _gains(self) -> list[float]:
        return [each.shuffled - each.loss for each in self.predictions]


def texts(tokenizer: Any, tokens: int) -> list[Row]:
    """Returns lines of the corpus as ids, taking groups in turn, with about `tokens` ids in total."""
    found, total = [], 0
    for group, row in filter(None, chain.from_iterable(zip_longest(*(_rows(tokenizer, group) for group in GROUPS)))):
        if total >= tokens:
            break
        found.append((group, row))
        total += len(row)
    return found


def measure(model: Any, rows: list[Row], id_map: IdMap = lambda number: number) -> Likelihood:
    """Returns the likelihood of texts whose ids were replaced by `id_map`."""
    ordered = [[id_map(number) for number in row] for _, row in rows]
    orders = [_shuffled(len(row)) for row in ordered]
    shuffled = [[row[index] for index in order] for row, order in zip(ordered, orders, strict=True)]
    found: list[Prediction] = []
    for (group, row), order, in_order, out_of_order in zip(
        rows, orders, losses(model, ordered), losses(model, shuffled), strict=True
    ):
        new_index = {old: new for new, old in enumerate(order)}
        found += [
            Prediction(group, token, in_order[index - 1], out_of_order[new_index[index] - 1])
            for index, token in enumerate(row)
            if index and row.count(token) == 1
        ]
    return Likelihood(found)


def losses(model: Any, rows: list[list[int]]) -> list[list[float]]:
    """Returns the loss (nats) of each id but the first, by row; rows are padded on the right, with a mask."""
    import torch

    found: list[list[float]] = []
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        width = max(map(len, batch))
        ids = torch.tensor([row + [row[-1]] * (width - len(row)) for row in batch], device=model.device)
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in batch], device=model.device)
        with torch.inference_mode():
            logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1].float()
            loss = logits.logsumexp(-1) - logits.gather(-1, ids[:, 1:, None])[..., 0]
        found += [each[: len(row) - 1] for each, row in zip(loss.tolist(), batch, strict=True)]
    return found


def _rows(tokenizer: Any, group: str) -> Iterator[Row]:
    """Yields the group's lines as ids, taking sections in turn; lines with an unknown token are left out."""
    sections = [tokenizer_corpus.sections()[section] for section in GROUPS[group]]
    for line in filter(None, chain.from_iterable(zip_longest(*sections))):
        ids = list(tokenizer(line).input_ids)
        if (
            len(ids) >= MIN_LENGTH
            and len(line.encode()) >= MIN_BYTES_PER_TOKEN * len(ids)
            and tokenizer.unk_token_id not in ids
        ):
            yield group, ids[:LENGTH]


def _shuffled(length: int) -> list[int]:
    """Returns a random order of positions that leaves the first one (often BOS) in place."""
    rest = list(range(1, length))
    random.Random(length).shuffle(rest)
    return [0, *rest]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan
