from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fixtures.checkpoint.config_parts import text_part
from fixtures.models.weight_statistics import TensorStatistics
from fixtures.session.uses import uses
from suites.findings import Hazard, NotApplicable
from suites.integrity.config_sizes import head_size

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, numpy.dtype[Any]]

INTO = re.compile(r"(q_proj|k_proj|v_proj|\.query|\.key|\.value|q_lin|k_lin|v_lin)\.weight$")
OUT = re.compile(r"(self_attn\.(o_proj|out_proj)|attention\.output\.dense|attn\.out_proj|attention\.out_lin)\.weight$")


@uses("loading", worst="hazard")
def test_attention_heads_alive(weight_statistics: dict[str, TensorStatistics], config: dict[str, Any]) -> None:
    """No attention head has weights that are all zero.

    Why: such a head contributes nothing, or attends to all tokens equally. A conversion that splits or merges heads
        wrongly produces it, and fine-tuning does not restore it.
    Fix: compare the layer with the original checkpoint; if the model was pruned on purpose, remove the heads.
    Source: https://arxiv.org/abs/1905.10650 (effects of removing attention heads)
    """
    size = head_size(text_part(config))
    if not size or not any(INTO.search(name) or OUT.search(name) for name in weight_statistics):
        raise NotApplicable("the model has no attention heads under names that seatrial knows")
    dead = {name: heads for name, each in weight_statistics.items() if size and (heads := list(_dead(each, size)))}
    if dead:
        name, heads = next(iter(dead.items()))
        which = f"attention head {heads[0]} has" if len(heads) == 1 else f"{len(heads)} attention heads have"
        more = f" ({len(dead) - 1} more matrices have such heads)" if len(dead) > 1 else ""
        raise Hazard(f"{name}: {which} only zeros in all {size} dimensions{more}.", evidence={"heads of zeros": dead})


def _dead(each: TensorStatistics, size: int) -> Iterator[int]:
    """Yields heads of a matrix with zeros only: groups of rows of an input projection, or of columns of an output."""
    if each.rows is None or each.columns is None or each.constant or len(each.tensor.shape) != 2:
        return
    name = each.tensor.name
    along = each.rows if INTO.search(name) else each.columns if OUT.search(name) else None
    if along is None or len(along) % size:
        return
    yield from (number for number, head in enumerate(along.reshape(-1, size)) if not head.any())
