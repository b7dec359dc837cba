"""Tests whether a model computes packed rows correctly, by comparing a branch with the same continuation alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from suites.findings import Refused
from suites.scoring import packing, scores
from suites.scoring.body_and_head import Reader, equal_within_rounding, reader
from suites.scoring.rows import Row


def can_pack(model: Any, rows: Sequence[Row]) -> bool:
    """True if the model scores the packed ones among these rows correctly, or if none is packed."""
    longest = max((row for row in rows if row.branches), key=lambda row: len(row.ids), default=None)
    reads = reader(model)
    if longest is None or 0 < len(longest.ids) <= reads.packs_up_to:
        return True
    if reads.packs_up_to >= 0:
        reads.packs_up_to = len(longest.ids) if _is_correct(model, reads, longest) else -1
    return reads.packs_up_to > 0


def _is_correct(model: Any, reads: Reader, row: Row) -> bool:
    import torch

    alone, own = packing.last_alone(row)
    try:
        with torch.inference_mode():
            packed = _logits(model, reads, Row(row.ids, row.at[own], alone.targets, row.branches, row.positions))
            return equal_within_rounding(packed, _logits(model, reads, alone), model.dtype)
    except Refused:  # the model does not accept a mask of four dimensions
        return False


def _logits(model: Any, reads: Reader, row: Row) -> Any:
    """The logits that predict the targets of a row, which is run alone."""
    (batch,) = scores.batched([row], len(row.ids))
    return reads.logits(model, scores.states(model, reads, batch))
