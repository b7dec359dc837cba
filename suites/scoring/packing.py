"""Several continuations behind one context as one row, so that the context is read once.

A block mask keeps the continuations from seeing each other, and explicit positions let each stand right behind the
context. A model that cannot do that (a recurrent state, positions that it counts itself, a local window) is found out
by trying, and its continuations go alone; those of one token share their context in any model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from suites.running import generate
from suites.scoring.rows import Ids, Row

WINDOWS = ("sliding_window", "window_size", "attention_chunk_size", "attention_window_size", "attention_window")
"""Names that configs give to how far back some layer looks."""


@dataclass(frozen=True)
class Share:
    """Where the targets of a request are: in which row, and from which of its targets on."""

    row: int
    first: int


LONGEST = 4096
"""Of packed rows, in ids: their mask, of 67 MB then, grows with the square."""


def shared(rows: Sequence[Row], limit: int, tokens: int) -> tuple[list[Row], list[Share]]:
    """The plain rows with those of one context put together, and where each one went.

    A packed row has at most `limit` ids, and no more than a batch of `tokens` or half again as many as its context.
    With a limit of 0, no row has branches.
    """
    groups: dict[Ids, dict[Ids, list[int]]] = {}
    for number, row in enumerate(rows):
        context = row.ids[: row.at[0] + 1] if row.at else row.ids
        groups.setdefault(context, {}).setdefault(row.targets, []).append(number)
    made: list[Row] = []
    shares = [Share(0, 0)] * len(rows)
    for context, answers in groups.items():
        room = min(limit, max(tokens, len(context) * 3 // 2))
        for part in _parts(context, list(answers), room):
            first = 0
            for answer in part:
                for number in answers[answer]:
                    shares[number] = Share(len(made), first)
                first += len(answer)
            made.append(behind(context, part))
    return made, shares


def _parts(context: Ids, answers: list[Ids], limit: int) -> Iterator[list[Ids]]:
    """Answers that go behind the context together; one token needs no room, as only its prediction is looked at."""
    part = [answer for answer in answers if len(answer) <= 1]
    length = len(context)
    for answer in (each for each in answers if len(each) > 1):
        if length > len(context) and length + len(answer) - 1 > limit:
            yield part
            part, length = [], len(context)
        part.append(answer)
        length += len(answer) - 1
    yield part


def behind(context: Ids, answers: Sequence[Ids]) -> Row:
    """One row of several answers behind their context; plain where only one of them needs room."""
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
    """The last branch of a packed row as a row of its own, and which of the packed row's targets are its."""
    inner = [index for index, branch in enumerate(row.branches) if branch == row.branches[-1]]
    context = row.ids[: row.branches.count(0)]
    last = max(place for place, (one, two) in enumerate(pairwise(row.at)) if one >= two) + 1
    own = slice(last, last + len(inner) + 1)
    ids = (*context, *(row.ids[index] for index in inner))
    return Row(ids, tuple(range(len(context) - 1, len(ids))), row.targets[own]), own


def longest_allowed(model: Any) -> int:
    """How long packed rows may be: no longer than what any layer looks back; 0 for models that cannot."""
    if getattr(model, "_is_stateful", False) or not generate.takes(model, "position_ids"):
        return 0
    config = model.config.get_text_config(decoder=True)
    given = (getattr(config, name, None) for name in WINDOWS)
    return min([LONGEST, *(value for value in given if isinstance(value, int) and value > 0)])


def mask(branches: Any, dtype: Any) -> Any:
    """What is added to attention scores (rows x 1 x ids x ids): 0 where an id may look, the lowest number elsewhere.

    An id sees the context and its own branch, up to itself. Padding (branch -1) is seen by nobody.
    """
    import torch

    length = branches.shape[1]
    seen, looking = branches[:, None, :], branches[:, :, None]
    allowed = ((seen == 0) | (seen == looking)) & torch.ones(length, length, dtype=torch.bool).tril()
    return torch.zeros(allowed.shape, dtype=dtype).masked_fill_(~allowed, torch.finfo(dtype).min)[:, None]
