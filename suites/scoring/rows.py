"""Rows of ids to run through a model, with the positions whose logits are needed and the tokens scored there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """A sequence for the model, with targets that are scored by the logits at given positions."""

    ids: Ids
    at: Ids
    """Indices into `ids`, one for each target: the position that predicts it."""
    targets: Ids
    branches: Ids = ()
    """For a packed row, the branch of each id; 0 for the common context."""
    positions: Ids = ()
    """For a packed row, the position of each id in its own text."""


def continuation_row(context: Sequence[int], continuation: Sequence[int]) -> Row:
    """Returns a continuation after its context, without the last token, which is only predicted."""
    first = len(context) - 1
    ids = (*context, *continuation)[:-1]
    return Row(ids, tuple(range(first, first + len(continuation))), tuple(continuation))


def windows(text: Sequence[int], prefix: int | None, window: int) -> Iterator[Row]:
    """Splits a long text into windows in which every token is predicted once, as lm-eval's rolling windows do.

    The first window begins with `prefix` (without one, the first token is not scored). The last window is filled with
    tokens of the one before, which it does not predict again.
    """
    given = list(text) if prefix is None else [prefix, *text]
    for end in range(1, len(given), window):
        last = min(end + window, len(given))
        yield _window(given, end, last, window)


def _window(given: list[int], first: int, last: int, window: int) -> Row:
    """Predicts given[first:last] from the `window` ids before the last one."""
    start = max(0, last - 1 - window)
    at = tuple(range(first - 1 - start, last - 1 - start))
    return Row(tuple(given[start : last - 1]), at, tuple(given[first:last]))


def batches(rows: Sequence[Row], tokens: int, slack: float) -> Iterator[list[int]]:
    """Yields numbers of rows, longest first, in batches of at most `tokens` ids including padding.

    A row joins a batch if it is longer than `1 - slack` of the longest row. Rows without targets are left out.
    """
    batch: list[int] = []
    asked = [number for number, row in enumerate(rows) if row.targets]
    for number in sorted(asked, key=lambda each: -len(rows[each].ids)):
        longest = len(rows[batch[0]].ids) if batch else 0
        full = (len(batch) + 1) * longest > tokens
        if batch and (full or len(rows[number].ids) < (1 - slack) * longest):
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch
