"""Log-probabilities of the targets of rows, computed in batches, and in chunks of a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from suites.running import generate
from suites.scoring import packing
from suites.scoring.body_and_head import Reader, reader
from suites.scoring.rows import Row, batches

BATCH_TOKENS = {"cpu": 512}
"""Ids in a batch, by device; a CPU is fastest with few."""
BATCH_TOKENS_ELSEWHERE = 8192
ROWS_IN_CACHE = 8
SLACK = 0.1
"""Share of a row that may be padding."""


@dataclass(frozen=True)
class Targets:
    """Tokens to score in a batch: arrays with one value per target, in ascending order of `state`."""

    row: Any
    """Number of the row, in the caller's count."""
    number: Any
    """Number of the target in its row."""
    token: Any
    state: Any
    """Index of the state that predicts it; several targets may have the same one."""


@dataclass
class Batch:
    """Rows of about one length, as inputs of a model."""

    inputs: dict[str, Any]
    """On the CPU."""
    index: Any
    """Positions of the flattened batch whose states are needed, each once, ascending."""
    targets: Targets


def batched(rows: Sequence[Row], tokens: int) -> Iterator[Batch]:
    """Yields the rows in batches of about one length."""
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
    return Batch(inputs, *_targets(rows, numbers, length))


def _branching(rows: Sequence[Row], numbers: list[int], length: int) -> dict[str, Any]:
    """Positions, and branches (-1 for padding) for the mask, if some rows are packed."""
    import torch

    positions = torch.arange(length).repeat(len(numbers), 1)
    branches = torch.full((len(numbers), length), -1)
    for line, number in enumerate(numbers):
        row, size = rows[number], len(rows[number].ids)
        branches[line, :size] = torch.tensor(row.branches or [0] * size)
        positions[line, :size] = torch.tensor(row.positions or range(size))
    return {"position_ids": positions, "branches": branches}


def _targets(rows: Sequence[Row], numbers: list[int], length: int) -> tuple[Any, Targets]:
    import numpy

    flat = numpy.concatenate([numpy.array(rows[number].at) + line * length for line, number in enumerate(numbers)])
    counts = [len(rows[number].at) for number in numbers]
    order = numpy.argsort(flat, kind="stable")
    index, state = numpy.unique(flat, return_inverse=True)
    token = numpy.concatenate([rows[number].targets for number in numbers])
    number = numpy.concatenate([numpy.arange(count) for count in counts])
    row = numpy.repeat(numbers, counts)
    return index, Targets(row[order], number[order], token[order], state[order])


def states(model: Any, reads: Reader, batch: Batch) -> Any:
    """Returns the states of a batch that predict targets (states x width)."""
    import torch

    inputs = dict(batch.inputs)
    if "branches" in inputs:
        inputs["attention_mask"] = packing.mask(inputs.pop("branches"), model.dtype)
    inputs = {name: value.to(model.device) for name, value in inputs.items()}
    with generate.refusals("A forward pass"):
        found = reads.states(model, inputs).flatten(0, 1)
    return found[torch.as_tensor(batch.index, device=found.device)]


def chunks(batch: Batch, size: int) -> Iterator[tuple[slice, slice]]:
    """Yields slices of `size` states of a batch, each with the slice of the targets that they predict."""
    import numpy

    for start in range(0, len(batch.index), size):
        stop = min(start + size, len(batch.index))
        first, last = numpy.searchsorted(batch.targets.state, [start, stop])
        yield slice(start, stop), slice(int(first), int(last))


def scored(model: Any, rows: Sequence[Row], tokens: int, *, greedy: bool = False) -> tuple[list[Any], list[Any]]:
    """Returns for each row the log-probabilities (nats, float64) of its targets, and which were the likeliest tokens.

    The latter are computed only if `greedy` is true.
    """
    import numpy
    import torch

    reads = reader(model)
    found = Found(
        [numpy.zeros(len(row.targets)) for row in rows], [numpy.zeros(len(row.targets), bool) for row in rows]
    )
    with torch.inference_mode():
        for batch in batched(rows, tokens):
            wanted = states(model, reads, batch)
            for part, selected in chunks(batch, reads.chunk_size(model)):
                logits = reads.logits(model, wanted[part])
                found.put(batch.targets, selected, *_of_chunk(logits, batch.targets, part, selected, greedy))
    return found.logprobs, found.greedy


@dataclass
class Found:
    """Results by row, filled in any order of the batches."""

    logprobs: list[Any]
    greedy: list[Any]

    def put(self, targets: Targets, selected: slice, values: Any, likeliest: Any) -> None:
        each = zip(targets.row[selected], targets.number[selected], values, likeliest, strict=True)
        for row, number, value, top in each:
            self.logprobs[row][number], self.greedy[row][number] = value, top


def _of_chunk(logits: Any, targets: Targets, part: slice, selected: slice, greedy: bool) -> tuple[Any, Any]:
    import torch

    state = torch.as_tensor(targets.state[selected] - part.start, device=logits.device)
    token = torch.as_tensor(targets.token[selected], device=logits.device)
    chosen, highest = logits[state, token], logits.amax(dim=-1)
    top = _likeliest(logits, chosen, highest, state, token) if greedy else torch.zeros_like(chosen, dtype=torch.bool)
    values = chosen.double() - logsumexp_in_place(logits, highest)[state].double()
    return values.cpu().numpy(), top.cpu().numpy()


def _likeliest(logits: Any, chosen: Any, highest: Any, state: Any, token: Any) -> Any:
    """True for each token that greedy decoding would choose; of equal logits, the first."""
    top = chosen == highest[state]
    top[top.clone()] = logits[state[top]].argmax(dim=-1) == token[top]
    return top


def logsumexp_in_place(logits: Any, highest: Any) -> Any:
    """Returns the logsumexp of each row, and overwrites the logits.

    A few rows at a time stay in the processor's cache, which takes a third of the time of `logsumexp`.
    """
    import torch

    parts = zip(logits.split(ROWS_IN_CACHE), highest.split(ROWS_IN_CACHE), strict=True)
    return torch.cat([part.sub_(top[:, None]).exp_().sum(dim=-1).log_() + top for part, top in parts])


def batch_tokens(model: Any) -> int:
    return BATCH_TOKENS.get(model.device.type, BATCH_TOKENS_ELSEWHERE)
