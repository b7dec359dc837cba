"""Log-probabilities of the tokens of rows: batch by batch, and of each batch chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from suites.running import generate
from suites.scoring import packing
from suites.scoring.reading import Reader, reader
from suites.scoring.rows import Row, batches

BATCH_TOKENS = {"cpu": 512}
"""Ids in a batch, by device: a CPU is at its best with less."""
BATCH_TOKENS_ELSEWHERE = 8192
ROWS_IN_CACHE = 8
SLACK = 0.1
"""Share of a row that may be padding."""


@dataclass(frozen=True)
class Places:
    """Where in a batch tokens are scored: arrays of one length, in the order of the places."""

    row: Any
    """Number of the row, in the caller's count."""
    target: Any
    """Number of the target in its row."""
    token: Any
    place: Any
    """Index into `states`: several targets may have the same one."""


@dataclass
class Batch:
    inputs: dict[str, Any]
    """On the CPU."""
    index: Any
    """Positions of the flattened batch that tokens are scored at, each once, ascending."""
    places: Places


def batched(rows: Sequence[Row], tokens: int) -> Iterator[Batch]:
    """The rows in batches, of about one length each."""
    for numbers in batches(rows, tokens, SLACK):
        yield _batch(rows, numbers)


def _batch(rows: Sequence[Row], numbers: list[int]) -> Batch:
    import torch

    length = len(rows[numbers[0]].ids)
    ids = torch.zeros(len(numbers), length, dtype=torch.long)
    for line, number in enumerate(numbers):
        ids[line, : len(rows[number].ids)] = torch.tensor(rows[number].ids)
    inputs = {"input_ids": ids} | (
        _branching(rows, numbers, length) if any(rows[each].branches for each in numbers) else {}
    )
    return Batch(inputs, *_places(rows, numbers, length))


def _branching(rows: Sequence[Row], numbers: list[int], length: int) -> dict[str, Any]:
    """Positions, and branches (-1 for padding) that the mask is made of, where some rows are packed."""
    import torch

    positions = torch.arange(length).repeat(len(numbers), 1)
    branches = torch.full((len(numbers), length), -1)
    for line, number in enumerate(numbers):
        row, size = rows[number], len(rows[number].ids)
        branches[line, :size] = torch.tensor(row.branches or [0] * size)
        positions[line, :size] = torch.tensor(row.positions or range(size))
    return {"position_ids": positions, "branches": branches}


def _places(rows: Sequence[Row], numbers: list[int], length: int) -> tuple[Any, Places]:
    flat = numpy.concatenate([numpy.array(rows[number].at) + line * length for line, number in enumerate(numbers)])
    counts = [len(rows[number].at) for number in numbers]
    order = numpy.argsort(flat, kind="stable")
    index, place = numpy.unique(flat, return_inverse=True)
    token = numpy.concatenate([rows[number].targets for number in numbers])
    target = numpy.concatenate([numpy.arange(count) for count in counts])
    row = numpy.repeat(numbers, counts)
    return index, Places(row[order], target[order], token[order], place[order])


def states(model: Any, reads: Reader, batch: Batch) -> Any:
    """The states of a batch where tokens are scored (places x width)."""
    import torch

    inputs = dict(batch.inputs)
    if "branches" in inputs:
        inputs["attention_mask"] = packing.mask(inputs.pop("branches"), model.dtype)
    inputs = {name: value.to(model.device) for name, value in inputs.items()}
    with generate.refusals("A forward pass"):
        found = reads.states(model, inputs).flatten(0, 1)
    return found[torch.as_tensor(batch.index, device=found.device)]


def chunks(batch: Batch, size: int) -> Iterator[tuple[slice, slice]]:
    """Of a batch's states `size` at a time, and the targets scored there."""
    for start in range(0, len(batch.index), size):
        stop = min(start + size, len(batch.index))
        first, last = numpy.searchsorted(batch.places.place, [start, stop])
        yield slice(start, stop), slice(int(first), int(last))


def scored(model: Any, rows: Sequence[Row], tokens: int, *, greedy: bool = False) -> tuple[list[Any], list[Any]]:
    """For each row the log-probabilities (nats, float64) of its targets, and whether each was the likeliest token.

    The latter only where `greedy` is asked for.
    """
    import torch

    reads = reader(model)
    found = Found(
        [numpy.zeros(len(row.targets)) for row in rows], [numpy.zeros(len(row.targets), bool) for row in rows]
    )
    with torch.inference_mode():
        for batch in batched(rows, tokens):
            wanted = states(model, reads, batch)
            for part, targets in chunks(batch, reads.fits(model)):
                logits = reads.logits(model, wanted[part])
                found.put(batch.places, targets, *_of_chunk(logits, batch.places, part, targets, greedy))
    return found.logprobs, found.greedy


@dataclass
class Found:
    """Arrays by row, to be filled in whatever order the batches come."""

    logprobs: list[Any]
    greedy: list[Any]

    def put(self, places: Places, targets: slice, values: Any, likeliest: Any) -> None:
        each = zip(places.row[targets], places.target[targets], values, likeliest, strict=True)
        for row, target, value, top in each:
            self.logprobs[row][target], self.greedy[row][target] = value, top


def _of_chunk(logits: Any, places: Places, part: slice, targets: slice, greedy: bool) -> tuple[Any, Any]:
    import torch

    place = torch.as_tensor(places.place[targets] - part.start, device=logits.device)
    token = torch.as_tensor(places.token[targets], device=logits.device)
    chosen, highest = logits[place, token], logits.amax(dim=-1)
    top = _likeliest(logits, chosen, highest, place, token) if greedy else torch.zeros_like(chosen, dtype=torch.bool)
    values = chosen.double() - used_up(logits, highest)[place].double()
    return values.cpu().numpy(), top.cpu().numpy()


def _likeliest(logits: Any, chosen: Any, highest: Any, place: Any, token: Any) -> Any:
    """Whether each token comes first among the largest logits; where it is one of them, ties are looked at."""
    top = chosen == highest[place]
    top[top.clone()] = logits[place[top]].argmax(dim=-1) == token[top]
    return top


def used_up(logits: Any, highest: Any) -> Any:
    """The logarithm of each row's sum of exponentials. The logits are overwritten, a few rows at a time.

    So the three passes over them stay in the processor's cache: a third of the time that `logsumexp` takes.
    """
    import torch

    parts = zip(logits.split(ROWS_IN_CACHE), highest.split(ROWS_IN_CACHE), strict=True)
    return torch.cat([part.sub_(top[:, None]).exp_().sum(dim=-1).log_() + top for part, top in parts])


def batch_tokens(model: Any) -> int:
    return BATCH_TOKENS.get(model.device.type, BATCH_TOKENS_ELSEWHERE)
