"""Packs several continuations of a context into one row, so that the context is read once.

A block mask hides the continuations from each other, and explicit positions put each directly after the context. Models
that do not support this (recurrent state, own positions, local window) are detected by a test; for them, only
continuations of one token share a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from suites.running import generate
from suites.scoring.rows import Ids, Row

WINDOWS = ("sliding_window", "window_size", "attention_chunk_size", "attention_window_size", "attention_window")
"""Config keys for the window of a layer."""


@dataclass(frozen=True)
class Location:
    """Position of a request's targets: the row, and the first of its targets."""

    row: int
    first: int


MAX_LENGTH = 4096
"""Ids of a packed row; its mask has 67 MB then and grows with the square."""


def packed(rows: Sequence[Row], limit: int, tokens: int) -> tuple[list[Row], list[Location]]:
    """Packs rows with the same context; returns the packed rows, and the location of each row's targets.

    Args:
        limit: ids of a packed row at most; with 0, no row has branches.
        tokens: ids of a batch; a row may have more only up to 1.5 times the length of its context.
    """
    groups: dict[Ids, dict[Ids, list[int]]] = {}
    for number, row in enumerate(rows):
        context = row.ids[: row.at[0] + 1] if row.at else row.ids
        groups.setdefault(context, {}).setdefault(row.targets, []).append(number)
    made: list[Row] = []
    locations = [Location(0, 0)] * len(rows)
    for context, answers in groups.items():
        longest = min(limit, max(tokens, len(context) * 3 // 2))
        for part in _parts(context, list(answers), longest):
            first = 0
            for answer in part:
                for number in answers[answer]:
                    locations[number] = Location(len(made), first)
                first += len(answer)
            made.append(packed_row(context, part))
    return made, locations


def _parts(context: Ids, answers: list[Ids], limit: int) -> Iterator[list[Ids]]:
    """Yields answers that share a row; an answer of one token adds no ids, because it is only predicted."""
    part = [answer for answer in answers if len(answer) <= 1]
    length = len(context)
    for answer in (each for each in answers if len(each) > 1):
        if length > len(context) and length + len(answer) - 1 > limit:
            yield part
            part, length = [], len(context)
        part.append(answer)
        length += len(answer) - 1
    yield part


def packed_row(context: Ids, answers: Sequence[Ids]) -> Row:
    """Returns a row of several answers to one context; without branches if at most one of them adds ids."""
    ids, branches, positions = [*context], [0] * len(context), [*range(len(context))]
    at: list[int] = []
    for number, answer in enumerate(answers, start=1):
        inner = range(len(ids), len(ids) + len(answer) - 1)
        at += [len(context) - 1, *inner][: len(answer)]
        ids += answer[:-1]
        branches += [number] * len(inner)
        positions += range(len(context), len(context) + len(inner))
    targets = tuple(token for answer in answers for token in answer)
    if len({*branches}) <= 2:
        return Row(tuple(ids), tuple(at), targets)
    return Row(tuple(ids), tuple(at), targets, tuple(branches), tuple(positions))


def last_alone(row: Row) -> tuple[Row, slice]:
    """Returns the last branch of a packed row as a separate row, and the slice of its targets in the packed row."""
    inner = [index for index, branch in enumerate(row.branches) if branch == row.branches[-1]]
    context = row.ids[: row.branches.count(0)]
    last = max(index for index, (one, two) in enumerate(pairwise(row.at)) if one >= two) + 1
    own = slice(last, last + len(inner) + 1)
    ids = (*context, *(row.ids[index] for index in inner))
    return Row(ids, tuple(range(len(context) - 1, len(ids))), row.targets[own]), own


def longest_allowed(model: Any) -> int:
    """Returns the longest packed row, limited by the window of any layer; 0 for models that cannot pack."""
    if getattr(model, "_is_stateful", False) or not generate.takes(model, "position_ids"):
        return 0
    config = model.config.get_text_config(decoder=True)
    given = (getattr(config, name, None) for name in WINDOWS)
    return min([MAX_LENGTH, *(value for value in given if isinstance(value, int) and value > 0)])


def mask(branches: Any, dtype: Any) -> Any:
    """Returns the additive attention mask (rows x 1 x ids x ids): 0 if an id may attend, else the lowest number.

    An id attends to the context and to its own branch, up to itself; no id attends to padding (branch -1).
    """
    import torch

    length = branches.shape[1]
    keys, queries = branches[:, None, :], branches[:, :, None]
    allowed = ((keys == 0) | (keys == queries)) & torch.ones(length, length, dtype=torch.bool).tril()
    return torch.zeros(allowed.shape, dtype=dtype).masked_fill_(~allowed, torch.finfo(dtype).min)[:, None]
