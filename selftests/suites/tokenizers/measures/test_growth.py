"""Growth of time: linear work is never called steep, quadratic work is, and the interval of a median is sane."""

from __future__ import annotations

import time
from typing import Any

import pytest

from suites.tokenizers.measures import throughput, time_by_length
from suites.tokenizers.measures.time_by_length import TEXT_KINDS, TimeByLength


class Busy:
    """A tokenizer that keeps the processor busy for a time that its length decides."""

    def __init__(self, power: float, unit: float):
        self.power, self.unit = power, unit

    def encode(self, text: str, **options: Any) -> list[int]:
        until = time.thread_time() + self.unit * len(text) ** self.power
        while time.thread_time() < until:
            pass
        return []


@pytest.mark.parametrize(
    ("power", "unit", "steep"),
    [
        (1.0, 2e-6, False),  # fast and linear
        (1.0, 2e-4, False),  # slow and linear
        (2.0, 1e-11, False),  # quadratic, and too fast to notice
        (2.0, 1e-8, True),
        (3.0, 1e-12, True),
    ],
)
def test_only_steep_growth_that_takes_time_counts(power: float, unit: float, steep: bool) -> None:
    found = TimeByLength.of(Busy(power, unit), TEXT_KINDS["one letter"], longest=8192, slow=0.1)
    assert (found.steep(slow=0.1, exponent=1.5) and found.repeat().steep(slow=0.1, exponent=1.5)) is steep


@pytest.mark.parametrize("kind", TEXT_KINDS)
def test_texts_have_their_length(kind: str) -> None:
    assert [len(TEXT_KINDS[kind](size)) for size in (8, 64, 4096)] == [8, 64, 4096]


def test_a_refused_text_is_no_failure() -> None:
    class Refusing:
        def encode(self, text: str, **options: Any) -> list[int]:
            raise ValueError("no")

    assert not TimeByLength.of(Refusing(), TEXT_KINDS["spaces"], longest=4096, slow=0.1).steep(slow=0.1, exponent=1.5)


def test_lengths_are_reached() -> None:
    """Each profile's longest length is a stride of the first."""
    for longest in time_by_length.LONGEST.values():
        while longest > time_by_length.FIRST:
            longest //= time_by_length.STRIDE
        assert longest == time_by_length.FIRST


def test_the_interval_holds_the_median() -> None:
    low, high = throughput.bootstrap([3.0, 1.0, 2.0, 4.0, 5.0])
    assert 1.0 <= low <= 3.0 <= high <= 5.0
    assert throughput.bootstrap([2.0]) == (2.0, 2.0)
