from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from fixtures.models.loading import Loaded
from fixtures.session.needs import cost, needs
from fixtures.session.uses import uses
from suites.findings import Record
from suites.quantization.cost import clock, rounds
from suites.quantization.cost.writing import Load, Round, bytes_read, load, write
from suites.quantization.sizes import footprint


@needs("continues_text")
@pytest.mark.parametrize("batch", [1, *(pytest.param(rows, marks=cost("minutes")) for rows in (8, 32))])
@uses("quantization", worst="nothing")
def test_generation_speed(
    loaded: Loaded, batch: int, profile: str, record: Record, request: pytest.FixtureRequest
) -> None:
    """Records the time to the first token, the time of every further token, and the memory that generation takes.

    Why: if fewer bits are faster depends on the device and the batch; a rate is meaningful when compared with the limit
        that the memory's bandwidth sets.
    Fix: nothing to fix; put bounds on these numbers into a policy for one device.
    Source: https://arxiv.org/abs/2211.05102 (section 2: small batches decode at the rate of the memory)
    """
    clock.refuse_neighbours(request.config)
    model = loaded.model
    asked = load(model, batch, profile)
    energy = clock.joules(model.device)
    with clock.peak(model.device) as peak:
        found = rounds.benchmarked(request, lambda: write(model, asked), profile)
    suffix = "" if batch == 1 else f".batch_{batch}"
    record_speed(record, found, asked, suffix)
    record_memory(record, peak, footprint(model), suffix)
    if energy is not None and (after := clock.joules(model.device)) is not None:
        written = (len(found) + 1) * asked.rows * asked.new  # with the warm-up
        metric(record, f"energy_per_token{suffix}", (after - energy) / written, "J", "lower", written)
    if batch == 1:
        record_latency(record, found, model)


def record_speed(record: Record, found: Sequence[Round], asked: Load, suffix: str) -> None:
    """Records rates of reading and writing, with intervals over rounds."""
    read, writes = asked.rows * asked.prompt, asked.rows * (asked.new - 1)
    first, interval = rounds.mean([each.first for each in found])
    metric(record, f"time_to_first_token{suffix}", first, "s", "lower", len(found), interval)
    value, interval = rounds.rate([(read, each.first) for each in found])
    metric(record, f"prefill_tokens_per_second{suffix}", value, "tokens/s", "higher", len(found), interval)
    value, interval = rounds.rate([(writes, sum(each.steps)) for each in found])
    metric(record, f"decode_tokens_per_second{suffix}", value, "tokens/s", "higher", len(found), interval)


def record_memory(record: Record, peak: clock.Peak, weights: int, suffix: str) -> None:
    """Records the weights and the rise above them; other loaded variants are not counted."""
    for name, rise in (("peak_memory_host", peak.host), ("peak_memory_device", peak.device)):
        if rise is not None:
            metric(record, f"{name}{suffix}", weights + rise, "bytes", "lower", 1)


def record_latency(record: Record, found: Sequence[Round], model: Any) -> None:
    """Records percentiles of single tokens, and the share of the memory's bandwidth that the median reaches."""
    steps = sum(len(each.steps) for each in found)
    shares = (0.5, 0.95, 0.99)
    values = rounds.quantiles(found, shares)
    for share, value in zip(shares, values, strict=True):
        metric(record, f"token_latency_p{share * 100:.0f}", value, "s", "lower", steps)
    record.series("quantization.token_latency", rounds.by_step(found), x="token", y="time (s)")
    moved = bytes_read(model)
    if moved is not None and not getattr(model, "hf_device_map", {}).keys() - {""}:
        speed = clock.bandwidth(str(model.device))
        metric(record, "bandwidth_share", moved / (values[0] * speed), "share", "higher", steps)
        metric(record, "memory_bandwidth", speed, "bytes/s", "higher", clock.COPIES)


def metric(
    record: Record,
    name: str,
    value: float,
    unit: str,
    better: str,
    samples: int,
    interval: tuple[float, float] | None = None,
) -> None:
    """Records a metric that is never compared with another run: machines vary more than variants do."""
    full_name = f"quantization.{name}"
    record.metric(full_name, value, unit, better=better, samples=samples, interval=interval, compared=False)
