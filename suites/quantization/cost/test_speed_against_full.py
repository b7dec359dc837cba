from __future__ import annotations

import pytest

from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from suites.findings import Record
from suites.quantization.cost import clock, rounds
from suites.quantization.cost.writing import load, write

LEAST_CHANGE = 0.2
"""Smallest relative change of a ratio that is reported: few rounds make its interval too narrow."""


@needs("continues_text")
@uses("quantization", worst="nothing")
def test_speed_against_full(
    loaded: Loaded,
    reference: Loaded,
    profile: str,
    record: Record,
    request: pytest.FixtureRequest,
) -> None:
    """Records the ratio of both variants' speeds with its interval, from alternating rounds in one process.

    Why: on a busy machine two rates from different minutes differ more than the variants do, and 4-bit weights are
        faster on some cards and slower on others.
    Fix: nothing to fix; if the ratio is below 1, the variant saves memory and costs time.
    Source: https://arxiv.org/abs/2305.14314 (QLoRA: weights are dequantized for every multiplication)
    """
    clock.refuse_neighbours(request.config)
    asked = load(loaded.model, 1, profile)
    found = rounds.interleaved([lambda: write(reference.model, asked), lambda: write(loaded.model, asked)], profile)
    pairs = {
        "decode": [(sum(full.steps), sum(own.steps)) for full, own in found],
        "prefill": [(full.first, own.first) for full, own in found],
    }
    for name, times in pairs.items():
        value, interval = rounds.rate(times)
        full_name = f"quantization.{name}_speed_ratio"
        record.metric(
            full_name,
            value,
            "times full",
            better="higher",
            samples=len(found),
            interval=interval,
            effect=LEAST_CHANGE,
        )
