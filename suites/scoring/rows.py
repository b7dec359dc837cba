"""What is run through a model: rows of ids, with the positions whose logits are needed and the tokens scored there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """One sequence for the model. Each target is scored by the logits at its place in the sequence."""

    ids: Ids
    at: Ids
    """Indices into `ids`, one for each target: the position that predicts it."""
    targets: Ids
    branches: Ids = ()
    """Of a packed row, for each id the branch that it is part of, 0 for the context that all of them continue."""
    positions: Ids = ()
    """Of a packed row, the position of each id in its own text."""


def plain(context: Sequence[int], continuation: Sequence[int]) -> Row:
    """The continuation behind its context; the last token is never read, only predicted."""
    first = len(context) - 1
    ids = (*context, *continuation)[:-1]
    return Row(ids, tuple(range(first, first + len(continuation))), tuple(continuation))


def windows(text: Sequence[int], prefix: int | None, window: int) -> Iterator[Row]:
    """A long text in pieces: every token is predicted once, by what stands before it in its own piece.

    The first piece begins with `prefix` (without one, the first token is not scored); each later one ends where the
    window is full again, and predicts only what no piece before it did. As lm-eval's rolling windows with one token of
    context: the last piece reaches back into the piece before it.
    """
    given = list(text) if prefix is None else [prefix, *text]
    for end in range(1, len(given), window):
        last = min(end + window, len(given))
        yield _piece(given, end, last, window)


def _piece(given: list[int], first: int, last: int, window: int) -> Row:
    """Predicts given[first:last] from the `window` ids before the last one."""
    start = max(0, last - 1 - window)
    at = tuple(range(first - 1 - start, last - 1 - start))
    return Row(tuple(given[start : last - 1]), at, tuple(given[first:last]))


def batches(rows: Sequence[Row], tokens: int, slack: float) -> Iterator[list[int]]:
    """Numbers of rows, longest first, in batches of at most `tokens` ids with padding.

    A row joins a batch where it is longer than `1 - slack` of its longest row. Rows with nothing to score are left out.
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
