from __future__ import annotations

import pytest

from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from suites.findings import Record
from suites.quantization.cost import clock, rounds
from suites.quantization.cost.writing import load, write

COUNTS = 0.2
"""Relative change of a ratio that is worth a word beside its interval, which few rounds make too narrow."""


@needs("continues_text")
def test_speed_against_full(
    loaded: Loaded,
    reference: Loaded,
    profile: str,
    record: Record,
    request: pytest.FixtureRequest,
) -> None:
    """In rounds of both variants in turn, in one process, the ratio of their speeds is measured with its interval.

    Why: two rates from different minutes of a busy machine differ by more than the variants do, and 4-bit weights are
        faster on one card and slower on another.
    Fix: nothing is to be mended; where the ratio is below 1, the variant saves memory and costs time.
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
            full_name, value, "times full", better="higher", samples=len(found), interval=interval, effect=COUNTS
        )
