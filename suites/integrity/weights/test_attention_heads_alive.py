from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fixtures.checkpoint.config_parts import text_part
from fixtures.models.weight_statistics import Stored
from suites.findings import Hazard
from suites.integrity.config_sizes import head_size

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, numpy.dtype[Any]]

INTO = re.compile(r"(q_proj|k_proj|v_proj|\.query|\.key|\.value|q_lin|k_lin|v_lin)\.weight$")
OUT = re.compile(r"(self_attn\.(o_proj|out_proj)|attention\.output\.dense|attn\.out_proj|attention\.out_lin)\.weight$")


def test_attention_heads_alive(stored: dict[str, Stored], config: dict[str, Any]) -> None:
    """No attention head has only zeros as weights.

    Why: such a head takes part in nothing, or looks everywhere alike; a conversion that splits or merges heads wrongly
        leaves it behind, and fine-tuning does not bring it back.
    Fix: compare the layer with the original checkpoint; of a model that was pruned on purpose, remove the heads.
    Source: https://arxiv.org/abs/1905.10650 (what becomes of a model without some heads)
    """
    size = head_size(text_part(config))
    dead = {name: heads for name, each in stored.items() if size and (heads := list(_dead(each, size)))}
    if dead:
        name, heads = next(iter(dead.items()))
        which = f"attention head {heads[0]}" if len(heads) == 1 else f"{len(heads)} attention heads"
        more = f", and {len(dead) - 1} more matrices have such heads" if len(dead) > 1 else ""
        raise Hazard(f"{name}: {which} of {size} dimensions only zeros{more}.".replace(" only", " has only"
                     if len(heads) == 1 else " have only"), evidence={"heads of zeros": dead})  # fmt: skip


def _dead(each: Stored, size: int) -> Iterator[int]:
    """Heads of a matrix, by rows where it reads the hidden state, by columns where it writes it."""
    if each.rows is None or each.columns is None or each.constant or len(each.tensor.shape) != 2:
        return
    name = each.tensor.name
    along = each.rows if INTO.search(name) else each.columns if OUT.search(name) else None
    if along is None or len(along) % size:
        return
    yield from (number for number, head in enumerate(along.reshape(-1, size)) if not head.any())
