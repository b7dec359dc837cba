"""Is a packed row right in this model? It is tried on the longest one against its last branch alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from suites.findings import Unsupported
from suites.scoring import packing, scores
from suites.scoring.reading import Reader, agree, reader
from suites.scoring.rows import Row


def packs(model: Any, rows: Sequence[Row]) -> bool:
    """Whether the packed ones among these rows may be scored as they are; True where none is packed."""
    longest = max((row for row in rows if row.branches), key=lambda row: len(row.ids), default=None)
    reads = reader(model)
    if longest is None or 0 < len(longest.ids) <= reads.packs_to:
        return True
    if reads.packs_to >= 0:
        reads.packs_to = len(longest.ids) if _right(model, reads, longest) else -1
    return reads.packs_to > 0


def _right(model: Any, reads: Reader, row: Row) -> bool:
    import torch

    alone, own = packing.last_alone(row)
    try:
        with torch.inference_mode():
            packed = _logits(model, reads, Row(row.ids, row.at[own], alone.targets, row.branches, row.positions))
            return agree(packed, _logits(model, reads, alone), model.dtype)
    except Unsupported:  # a mask of four dimensions is refused
        return False


def _logits(model: Any, reads: Reader, row: Row) -> Any:
    """The logits that the targets of a row are scored by, the row run alone."""
    (batch,) = scores.batched([row], len(row.ids))
    return reads.logits(model, scores.states(model, reads, batch))
