"""Log-probabilities of the tokens of rows: batch by batch, and of each batch chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from suites.quality.scoring.reading import Reader, reader
from suites.quality.scoring.rows import Row, batches

BATCH_TOKENS = {"cpu": 512}
"""Ids in a batch, by device: a CPU is at its best with less."""
BATCH_TOKENS_ELSEWHERE = 8192
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
    return Batch({"input_ids": ids}, *_places(rows, numbers, length))


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

    inputs = {name: value.to(model.device) for name, value in batch.inputs.items()}
    found = reads.states(model, inputs).flatten(0, 1)
    return found[torch.as_tensor(batch.index, device=found.device)]


def chunks(batch: Batch, size: int) -> Iterator[tuple[slice, slice]]:
    """Of a batch's states `size` at a time, and the targets scored there."""
    for start in range(0, len(batch.index), size):
        stop = min(start + size, len(batch.index))
        first, last = numpy.searchsorted(batch.places.place, [start, stop])
        yield slice(start, stop), slice(int(first), int(last))


def scored(model: Any, rows: Sequence[Row], tokens: int | None) -> tuple[list[Any], list[Any]]:
    """For each row the log-probabilities (nats, float64) of its targets, and whether each was the likeliest token."""
    import torch

    reads = reader(model)
    logprobs = [numpy.zeros(len(row.targets)) for row in rows]
    greedy = [numpy.zeros(len(row.targets), dtype=bool) for row in rows]
    with torch.inference_mode():
        for batch in batched(rows, tokens or batch_tokens(model)):
            found = states(model, reads, batch)
            for part, targets in chunks(batch, reads.fits(model)):
                values, top = _of_chunk(reads.logits(model, found[part]), batch.places, part, targets)
                for row, target, value, likeliest in zip(
                    batch.places.row[targets], batch.places.target[targets], values, top, strict=True
                ):
                    logprobs[row][target], greedy[row][target] = value, likeliest
    return logprobs, greedy


def _of_chunk(logits: Any, places: Places, part: slice, targets: slice) -> tuple[Any, Any]:
    import torch

    place = torch.as_tensor(places.place[targets] - part.start, device=logits.device)
    token = torch.as_tensor(places.token[targets], device=logits.device)
    normal = logits.logsumexp(dim=-1)
    values = logits[place, token] - normal[place]
    return values.double().cpu().numpy(), (logits.argmax(dim=-1)[place] == token).cpu().numpy()


def batch_tokens(model: Any) -> int:
    return BATCH_TOKENS.get(model.device.type, BATCH_TOKENS_ELSEWHERE)
