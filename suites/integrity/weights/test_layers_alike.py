from __future__ import annotations

import math
import re
from statistics import median
from typing import Any

from fixtures.models.weight_statistics import TensorStatistics
from fixtures.session.uses import uses
from suites.findings import Defect, Hazard
from suites.integrity.tensor_names import HEADS, INPUT, OUTPUTS, siblings

SCALE = re.compile(r"(norm|ln_\w+|layernorm)\d*\.weight$", re.IGNORECASE)
MAX_RATIO = 100.0
"""Times the median over the other layers. Published models have at most about 5 (SmolLM2: 4, its keys and values).

A lost scale of an eight-bit format is a factor of hundreds.
"""


@uses("loading")
def test_layers_alike(weight_statistics: dict[str, TensorStatistics]) -> None:
    """No matrix of a layer is constant, or far larger or smaller than the same matrix of other layers.

    Why: an interrupted conversion or a lost scale leaves zeros or wrong magnitudes in one layer. Residual connections
        bypass it, so the output stays fluent but gets worse.
    Fix: convert the checkpoint again; the finding names the tensor and compares it with the other layers.
    Source: https://github.com/unslothai/unsloth/pull/6978 (scales that were lost at loading);
        https://arxiv.org/abs/2403.17887 (a model without some of its layers still answers)
    """
    matrices = {name: each for name, each in weight_statistics.items() if each.is_float and each.rows is not None}
    for group in siblings(matrices):
        for each in group:
            _must_vary(each, [other for other in group if other is not each])
    _must_have_scales(weight_statistics)
    groups = [[each for each in group if each.rms and not each.not_finite] for group in siblings(matrices)]
    far = [
        (abs(math.log(times)), times, each, group)
        for group in groups
        for each in group
        if not 1 / MAX_RATIO < (times := _times(each, group)) < MAX_RATIO
    ]
    if far:
        _, times, each, group = max(far, key=lambda entry: (round(entry[0], 3), entry[1]))
        ratio = f"{times:,.0f} times larger" if times > 1 else f"{1 / times:,.0f} times smaller"
        raise Hazard(
            f"The weights of {each.tensor.name} are {ratio} than those of the same matrix in other layers.",
            evidence=_evidence(each, [other for other in group if other is not each]),
        )


def _must_have_scales(stored: dict[str, TensorStatistics]) -> None:
    """Raises Defect for a norm with a scale of zeros, which blocks the signal, unless most norms have one.

    Some families add one to the scale, so that zeros are its initial value.
    """
    __tracebackhide__ = True
    scales = [each for name, each in stored.items() if SCALE.search(name) and each.is_float and each.rows is None]
    dead = [each for each in scales if each.constant and not each.high and not each.not_finite]
    if dead and len(dead) < len(scales) / 2:
        raise Defect(
            f"{dead[0].tensor.name} holds only zeros, unlike the other norms.",
            evidence={"zeros": [each.tensor.name for each in dead[:20]], "norms": len(scales)},
        )


def _times(each: TensorStatistics, group: list[TensorStatistics]) -> float:
    """The ratio of its root mean square to the median of the others."""
    others = [other.rms for other in group if other is not each]
    return each.rms / median(others) if others else 1.0


def _must_vary(each: TensorStatistics, others: list[TensorStatistics]) -> None:
    """Raises Defect for a constant matrix; if it is constant in all layers, the architecture may intend it."""
    __tracebackhide__ = True
    name = each.tensor.name
    alone = not others and name.endswith((*INPUT, *OUTPUTS, *HEADS)) and each.tensor.shape[0] > 1
    if each.constant and not each.not_finite and (alone or any(not other.constant for other in others)):
        what = "zeros" if not each.high else f"the number {each.high:g}"
        contrast = "" if alone else ", unlike the same matrix of other layers"
        raise Defect(f"{name} holds only {what}{contrast}.", evidence=_evidence(each, others))


def _evidence(each: TensorStatistics, others: list[TensorStatistics]) -> dict[str, Any]:
    return {
        "tensor": each.tensor.name,
        "file": each.tensor.file,
        "root mean square": each.rms,
        "siblings": {other.tensor.name: other.rms for other in others[:8]},
    }
